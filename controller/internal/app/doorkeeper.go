package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/lormas/lormas/broker"
	"github.com/lormas/lormas/controller/internal/authn"
	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/loop"
	"github.com/lormas/lormas/shared/wire"
)

// doorkeeper is the broker's Authorizer: authn says who somebody is, authz
// what they may read. It keeps the actors of those it let in, by credential.
type doorkeeper struct {
	standby   func() bool
	elsewhere string // the broker that agents have to connect to; "": this one
	auth      *authn.Service
	prober    *prober
	places    *places
	now       func() time.Time
	log       *slog.Logger

	changed  loop.Wake    // what people may do has changed
	changes  atomic.Int64 // how many there were, and how many credentials ended
	reviewed func()       // what nobody may read any more has to end; see broker.Refresh
	ended    func(credential uuid.UUID)

	mu     sync.RWMutex
	actors map[string]admitted
}

type admitted struct {
	actor   authz.Actor
	powers  *authz.Powers // of the actor
	expires time.Time     // zero: never
}

var _ broker.Authorizer = (*doorkeeper)(nil)

var errStandby = errors.New("this controller stands by: the active one is at another address")

// Authenticate implements broker.Authorizer. A controller that stands by lets
// nobody in, and says so in a way that sends agents on to the next address.
func (d *doorkeeper) Authenticate(ctx context.Context, c broker.Credentials) (broker.Identity, error) {
	if itself, is := d.prober.knows(c); is {
		return itself, nil
	}
	if d.standby() {
		return broker.Identity{}, fmt.Errorf("%w (%w)", broker.ErrUnavailable, errStandby)
	}
	before := d.changes.Load()
	who, err := d.auth.AuthenticateMQTT(ctx, authn.Origin{Address: hostOf(c.RemoteAddr)}, c.Username, c.Password)
	switch {
	case fleet.KindOf(err) == fleet.Unavailable:
		return broker.Identity{}, fmt.Errorf("%w (%w)", broker.ErrUnavailable, err)
	case err != nil:
		return broker.Identity{}, fmt.Errorf("%w (%w)", broker.ErrRefused, err)
	}
	out := broker.Identity{ExpiresAt: who.Expires, CredentialID: who.Credential.String()}
	if !who.Node.IsZero() && d.elsewhere != "" {
		return broker.Identity{}, fmt.Errorf("%w (agents connect to %s)", broker.ErrRefused, d.elsewhere)
	}
	if !who.Node.IsZero() {
		out.Node, out.Name = who.Node, who.Node.String()
		return out, nil
	}
	out.User, out.Name = who.Actor.UserID, who.Actor.Name
	powers := who.Actor.Powers()
	if powers.NeedsPlaces() {
		if err := d.places.reread(ctx); err != nil {
			return broker.Identity{}, fmt.Errorf("%w (%w)", broker.ErrUnavailable, err)
		}
	}
	d.remember(out.CredentialID, admitted{actor: who.Actor, powers: powers, expires: who.Expires})
	if d.changes.Load() != before {
		d.changed.Up() // he was read before the change, or the end, and is remembered after it
	}
	return out, nil
}

// change says that somebody may do more or less than before. It never blocks.
func (d *doorkeeper) change() {
	d.changes.Add(1)
	d.changed.Up()
}

// reviewEvery is how often it is looked all the same what those may do who
// are connected. Tests turn it off.
var reviewEvery = 30 * time.Second

func (d *doorkeeper) run(ctx context.Context) error {
	return loop.Run(ctx, reviewEvery, d.changed, d.review, func(err error) {
		d.log.Error("those who are connected may do what they might a while ago", "error", err)
	})
}

// review reads anew where everything stands and what all may do who are
// connected, and ends what they may not follow any more.
func (d *doorkeeper) review(ctx context.Context) error {
	credentials := d.credentials()
	if len(credentials) == 0 {
		return nil
	}
	if err := d.places.reread(ctx); err != nil {
		return err
	}
	actors, err := d.auth.Reload(ctx, credentials)
	if err != nil {
		return err
	}
	for _, credential := range credentials {
		actor, ok := actors[credential]
		if !ok {
			d.ended(credential)
			continue
		}
		d.renew(credential, actor)
	}
	d.reviewed()
	return nil
}

func (d *doorkeeper) credentials() []uuid.UUID {
	d.mu.RLock()
	defer d.mu.RUnlock()
	var list []uuid.UUID
	for key := range d.actors {
		if credential, err := uuid.Parse(key); err == nil {
			list = append(list, credential)
		}
	}
	return list
}

// renew replaces what somebody may do, unless he has gone meanwhile.
func (d *doorkeeper) renew(credential uuid.UUID, actor authz.Actor) {
	powers := actor.Powers()
	d.mu.Lock()
	defer d.mu.Unlock()
	if a, ok := d.actors[credential.String()]; ok {
		actor.Address, actor.RequestID = a.actor.Address, a.actor.RequestID
		d.actors[credential.String()] = admitted{actor: actor, powers: powers, expires: a.expires}
	}
}

// remember also forgets those whose time is over: nobody else says so.
func (d *doorkeeper) remember(credential string, a admitted) {
	now := d.now()
	d.mu.Lock()
	defer d.mu.Unlock()
	for key, other := range d.actors {
		if !other.expires.IsZero() && now.After(other.expires) {
			delete(d.actors, key)
		}
	}
	d.actors[credential] = a
}

// forget is called when a credential has ended. Whoever is let in at this very
// moment may have been read before that, and is looked at again.
func (d *doorkeeper) forget(credential uuid.UUID) {
	d.changes.Add(1)
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.actors, credential.String())
}

// actorOf is who came in with a credential.
func (d *doorkeeper) actorOf(credential string) (authz.Actor, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	a, ok := d.actors[credential]
	return a.actor, ok
}

// CanRead implements broker.Authorizer.
func (d *doorkeeper) CanRead(who broker.Identity, t wire.Topic) bool {
	d.mu.RLock()
	a, ok := d.actors[who.CredentialID]
	d.mu.RUnlock()
	return ok && a.powers.CanRead(t, d.places)
}

// hostOf is the address without the port.
func hostOf(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return remote
	}
	return host
}
