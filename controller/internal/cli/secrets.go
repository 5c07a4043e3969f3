package cli

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/lormas/lormas/controller/internal/seal"
	"github.com/lormas/lormas/controller/internal/store"
)

type secretsRotateCommand struct {
	database  `embed:""`
	StateDir  string `name:"state-dir" default:"/var/lib/lormas" placeholder:"DIR" help:"That of a controller: it has the secret key, unless --secret-key names a file (default: ${default})."`
	SecretKey string `name:"secret-key" placeholder:"FILE" help:"The keys that seal secrets in the database."`
	Prepare   bool   `name:"prepare" help:"Only put the new key into the file, for copying it to other machines that have a controller; run this again without --prepare then."`
}

// Run seals all secrets with a new key. It may be stopped at any point, and
// goes on from there when it is run again: the file has the new key before
// anything is sealed with it, and the old one until nothing is.
func (c secretsRotateCommand) Run(ctx context.Context, s Streams) error {
	ring, err := seal.Find(c.SecretKey, filepath.Join(c.StateDir, "secret.key"))
	if err != nil {
		return fmt.Errorf("%w\nRun this where a controller has run, or name its key with --secret-key", err)
	}
	release, err := ring.Lock()
	if err != nil {
		return err
	}
	defer release()
	locked, err := store.Open(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer locked.Close()
	db, err := locked.Unlock(ctx, ring)
	if err != nil {
		return err
	}
	if err := c.newKey(ctx, s, db, ring); err != nil || c.Prepare {
		return err
	}
	return finishRotation(ctx, s, db, ring)
}

// newKey adds a key to the ring, unless the last rotation has not come to its
// end: then that is finished.
func (c secretsRotateCommand) newKey(ctx context.Context, s Streams, db *store.Store, ring *seal.Ring) error {
	seals, err := db.SealKey(ctx)
	if err != nil {
		return err
	}
	switch {
	case ring.Newest() != seals:
		_, err = fmt.Fprintf(s.Out, "Key %s is in the ring and not yet in use: it is taken.\n", ring.Newest())
		return err
	case len(ring.IDs()) > 1:
		_, err = fmt.Fprintf(s.Out, "The rotation to key %s was not finished: it is now.\n", seals)
		return err
	}
	if err := ring.Add(); err != nil {
		return err
	}
	if _, err = fmt.Fprintf(s.Out, "New key %s, before %s.\n", ring.Newest(), seals); err == nil && c.Prepare {
		_, err = fmt.Fprintf(s.Out, "Copy %s to the other controllers now, and run this again without --prepare.\n", ring.Path())
	}
	return err
}

func finishRotation(ctx context.Context, s Streams, db *store.Store, ring *seal.Ring) error {
	err := db.InTx(ctx, func(tx *store.Tx) error { return tx.SealWith(ctx, ring.Newest()) })
	if err != nil {
		return err
	}
	err = db.Reseal(ctx, func(what string, written int) error {
		_, err := fmt.Fprintf(s.Out, "Sealed anew: %d %s.\n", written, what)
		return err
	})
	if err != nil {
		return err
	}
	if ring.Path() == "" {
		_, err = fmt.Fprintf(s.Out, "Everything is sealed with %s: take all other lines out of LORMAS_SECRET_KEY.\n", ring.Newest())
		return err
	}
	if err := ring.KeepOnly(ring.Newest()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.Out, "The old keys are gone from %s. Copy it to the other controllers and to where you keep its backup.\n", ring.Path())
	return err
}
