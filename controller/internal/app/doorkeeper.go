package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/lormas/lormas/broker"
	"github.com/lormas/lormas/controller/internal/authn"
	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
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
	d.remember(out.CredentialID, admitted{actor: who.Actor, powers: who.Actor.Powers(), expires: who.Expires})
	return out, nil
}

// remember also forgets those whose time is over: nobody else says so.
func (d *doorkeeper) remember(credential string, a admitted) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	for key, other := range d.actors {
		if !other.expires.IsZero() && now.After(other.expires) {
			delete(d.actors, key)
		}
	}
	d.actors[credential] = a
}

// forget is called when a credential ends.
func (d *doorkeeper) forget(credential uuid.UUID) {
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
