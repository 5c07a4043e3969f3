package store_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/controller/internal/testkit"
	"github.com/lormas/lormas/shared/egg"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// house is a database with what the tests of this package begin with.
type house struct {
	*testing.T
	*store.Store
	ctx context.Context
}

func newHouse(t *testing.T) house {
	t.Parallel()
	return house{t, testkit.Postgres(t), t.Context()}
}

// now is a moment that Postgres keeps exactly.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// do runs work in a transaction that must succeed.
func (h house) do(work func(tx *store.Tx) error) {
	h.Helper()
	if err := h.InTx(h.ctx, work); err != nil {
		h.Fatal(err)
	}
}

// try runs work in a transaction and wants an error of a kind whose message,
// or one of its faults, contains all of the words.
func (h house) refused(kind fleet.Kind, work func(tx *store.Tx) error, words ...string) {
	h.Helper()
	wantError(h.T, h.InTx(h.ctx, work), kind, words...)
}

func wantError(t *testing.T, err error, kind fleet.Kind, words ...string) {
	t.Helper()
	if fleet.KindOf(err) != kind {
		t.Fatalf("error is %q of kind %q, want kind %q", err, fleet.KindOf(err), kind)
	}
	text := err.Error()
	var e *fleet.Error
	errors.As(err, &e)
	for _, f := range e.Faults {
		text += " | " + f.Field + ": " + f.Message
	}
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("error %q does not say %q", text, word)
		}
	}
}

func (h house) node(name string) fleet.Node {
	h.Helper()
	n := fleet.Node{ID: id.New[id.NodeID](), Name: name, Labels: map[string]string{}, CreatedAt: now()}
	h.do(func(tx *store.Tx) error { return tx.InsertNode(h.ctx, n) })
	return n
}

// joined is a node whose agent has said hello and offers this much.
func (h house) joined(name string, offer spec.Resources) fleet.Node {
	h.Helper()
	n := h.node(name)
	h.do(func(tx *store.Tx) error {
		if err := tx.RecordHello(h.ctx, n.ID, store.Facts{Hostname: name, Offer: &offer}, now()); err != nil {
			return err
		}
		_, err := tx.SaveNodeStates(h.ctx, []store.NodeChange{{Node: n.ID, State: fleet.NodeHealthy, Since: now()}})
		return err
	})
	return n
}

func (h house) egg(name string) fleet.Egg {
	h.Helper()
	e := fleet.Egg{ID: id.New[id.EggID](), Generation: 1, CreatedAt: now(), UpdatedAt: now(), Egg: egg.Egg{
		Name: name, Images: []egg.Image{{Name: "default", Image: "demo:1"}},
	}}
	h.do(func(tx *store.Tx) error { return tx.InsertEgg(h.ctx, e) })
	return e
}

// container is one that was reserved for, allocated and recorded.
func (h house) container(name string, e fleet.Egg, n fleet.Node, ports ...spec.Port) fleet.Container {
	h.Helper()
	c := newContainer(name, e, n, ports...)
	h.do(func(tx *store.Tx) error { return place(h.ctx, tx, &c) })
	return c
}

func newContainer(name string, e fleet.Egg, n fleet.Node, ports ...spec.Port) fleet.Container {
	at := now()
	return fleet.Container{
		ID: id.New[id.ContainerID](), Name: name, EggID: e.ID, NodeID: n.ID, Epoch: 1, Generation: 1,
		Spec:  spec.Container{Name: name, Image: "demo:1", Resources: small, Ports: ports},
		Power: spec.Running, Type: fleet.Standard, MigrationStatus: fleet.MigrationIdle, CreatedAt: at, UpdatedAt: at,
	}
}

// place is what the create verb does to the ledger.
func place(ctx context.Context, tx *store.Tx, c *fleet.Container) error {
	if err := tx.Reserve(ctx, c.NodeID, c.Spec.Resources); err != nil {
		return err
	}
	ports, err := tx.Allocate(ctx, *c, c.Spec.Ports)
	if err != nil {
		return err
	}
	c.Spec.Ports = slices.Clone(ports)
	return tx.InsertContainer(ctx, *c)
}

var (
	small = spec.Resources{CPU: 500, Memory: 256 * spec.MiB, Disk: spec.GiB}
	big   = spec.Resources{CPU: 16000, Memory: 64 * spec.GiB, Disk: 1000 * spec.GiB}
)

func tcp(host int) spec.Port { return spec.Port{Host: host, Container: 80, Protocol: "tcp"} }

func ptr[T any](v T) *T { return &v }
