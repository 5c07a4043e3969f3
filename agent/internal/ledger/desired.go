package ledger

import (
	"errors"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// epochMemory is how long the epoch of a container that is gone is kept.
const epochMemory = 30 * 24 * time.Hour

// Reasons why a desired message is not taken.
var (
	ErrGap       = errors.New("a revision between was missed") // say hello again
	ErrOutOfDate = errors.New("an older revision than ours")   // drop it
)

// Accept writes down what the controller wants: a delta on top of a revision
// that the ledger has, or a full list (whose parts the caller has put
// together). Hearing the same again changes nothing. It returns the
// containers whose epoch is older than one seen before: they are left out.
func (l *Ledger) Accept(d wire.Desired) (stale []id.ContainerID, err error) {
	err = l.db.Update(func(tx *bolt.Tx) error {
		m, _, err := get[meta](tx, bucketMeta, metaKey)
		if err != nil {
			return err
		}
		// A delta carries containers as they are now, so one that begins
		// before our revision and ends at or after it is as good as exact.
		switch {
		case d.Rev < m.Accepted:
			return ErrOutOfDate
		case d.Kind == wire.DesiredDelta && d.FromRev > m.Accepted:
			return ErrGap
		}
		set := d.Containers
		if d.Kind == wire.DesiredFull {
			if set, err = withTakeAways(tx, d); err != nil {
				return err
			}
		}
		for _, c := range set {
			fresh, err := l.want(tx, c)
			if err != nil {
				return err
			}
			if !fresh {
				stale = append(stale, c.ID)
			}
		}
		if err := addSpecs(tx, d.Specs); err != nil {
			return err
		}
		m.Accepted = d.Rev
		return put(tx, bucketMeta, metaKey, m)
	})
	if err != nil {
		return nil, fmt.Errorf("accept revision %d: %w", d.Rev, err)
	}
	return stale, nil
}

// withTakeAways adds to a full list what it leaves out: containers of ours
// that it does not have, and those that the controller says are gone.
func withTakeAways(tx *bolt.Tx, d wire.Desired) ([]wire.DesiredContainer, error) {
	listed := map[id.ContainerID]bool{}
	for _, c := range d.Containers {
		listed[c.ID] = true
	}
	set := slices.Clone(d.Containers)
	ours, err := desired(tx)
	if err != nil {
		return nil, err
	}
	for _, c := range ours {
		if !listed[c.ID] {
			listed[c.ID] = true
			c.Power = spec.Absent
			set = append(set, c)
		}
	}
	for _, ref := range d.Removed {
		if !listed[ref.ID] {
			listed[ref.ID] = true
			set = append(set, wire.DesiredContainer{ID: ref.ID, Epoch: ref.Epoch, Power: spec.Absent})
		}
	}
	return set, nil
}

// want writes one container of a set, unless a newer epoch of it was seen.
func (l *Ledger) want(tx *bolt.Tx, c wire.DesiredContainer) (fresh bool, err error) {
	seen, _, err := get[tombstone](tx, bucketEpochs, c.ID[:])
	if err != nil || c.Epoch < seen.Epoch {
		return false, err
	}
	if err := put(tx, bucketEpochs, c.ID[:], tombstone{Epoch: c.Epoch, At: l.Now()}); err != nil {
		return false, err
	}
	return true, put(tx, bucketDesired, c.ID[:], c)
}

// AddSpecs writes down specs that were pulled.
func (l *Ledger) AddSpecs(specs map[string]spec.Container) error {
	err := l.db.Update(func(tx *bolt.Tx) error { return addSpecs(tx, specs) })
	if err != nil {
		return fmt.Errorf("keep specs: %w", err)
	}
	return nil
}

// addSpecs believes no label: a spec is filed under what it hashes to.
func addSpecs(tx *bolt.Tx, specs map[string]spec.Container) error {
	for _, s := range specs {
		if err := put(tx, bucketSpecs, []byte(s.Hash()), s); err != nil {
			return err
		}
	}
	return nil
}

// Desired is what the node should run. Specs holds those that the ledger
// has, also of earlier generations that the engine may still have.
type Desired struct {
	Rev        int64
	Applied    int64
	Containers map[id.ContainerID]wire.DesiredContainer
	Specs      map[string]spec.Container
}

// Desired reads the set.
func (l *Ledger) Desired() (Desired, error) {
	d := Desired{Containers: map[id.ContainerID]wire.DesiredContainer{}, Specs: map[string]spec.Container{}}
	err := l.db.View(func(tx *bolt.Tx) error {
		m, _, err := get[meta](tx, bucketMeta, metaKey)
		if err != nil {
			return err
		}
		d.Rev, d.Applied = m.Accepted, m.Applied
		set, err := desired(tx)
		if err != nil {
			return err
		}
		for _, c := range set {
			d.Containers[c.ID] = c
		}
		return each(tx, bucketSpecs, func(hash []byte, s spec.Container) error {
			d.Specs[string(hash)] = s
			return nil
		})
	})
	if err != nil {
		return d, fmt.Errorf("read the desired set: %w", err)
	}
	return d, nil
}

// Runs reports whether a container should run under an epoch: the last word
// before it is started (FAILOVER §5.6 R2).
func (l *Ledger) Runs(c id.ContainerID, epoch int64) (bool, error) {
	var runs bool
	err := l.db.View(func(tx *bolt.Tx) error {
		entry, known, err := get[wire.DesiredContainer](tx, bucketDesired, c[:])
		if err != nil {
			return err
		}
		seen, _, err := get[tombstone](tx, bucketEpochs, c[:])
		runs = known && entry.Power == spec.Running && entry.Epoch == epoch && epoch >= seen.Epoch
		return err
	})
	if err != nil {
		return false, fmt.Errorf("read the desired set: %w", err)
	}
	return runs, nil
}

// Lacking lists the hashes of specs that are desired and not here, sorted.
func (d Desired) Lacking() []string {
	var hashes []string
	for _, c := range d.Containers {
		if _, here := d.Specs[c.SpecHash]; !here && c.Power != spec.Absent {
			hashes = append(hashes, c.SpecHash)
		}
	}
	slices.Sort(hashes)
	return slices.Compact(hashes)
}

// Tidy forgets what nothing needs any more. Found are the hashes of specs
// that containers on the engine are made of; nil means that it is not known,
// and keeps them all. With nothing to forget nothing is written.
func (l *Ledger) Tidy(found []string) error {
	var old []record
	err := l.db.View(func(tx *bolt.Tx) (err error) {
		old, err = l.waste(tx, found)
		return err
	})
	if err == nil && len(old) > 0 {
		err = l.db.Update(func(tx *bolt.Tx) error { return l.dropWaste(tx, found) })
	}
	if err != nil {
		return fmt.Errorf("tidy the ledger: %w", err)
	}
	return nil
}

// dropWaste looks again: somebody may have come to need something since.
func (l *Ledger) dropWaste(tx *bolt.Tx, found []string) error {
	waste, err := l.waste(tx, found)
	for _, w := range waste {
		if err == nil {
			err = tx.Bucket([]byte(w.bucket)).Delete(w.key)
		}
	}
	return err
}

// record names one that can be forgotten.
type record struct {
	bucket string
	key    []byte
}

// waste lists what can be forgotten.
func (l *Ledger) waste(tx *bolt.Tx, found []string) ([]record, error) {
	set, err := desired(tx)
	if err != nil {
		return nil, err
	}
	needed, wanted := map[string]bool{}, map[id.ContainerID]bool{}
	for _, hash := range found {
		needed[hash] = true
	}
	for _, c := range set {
		needed[c.SpecHash], wanted[c.ID] = true, true
	}
	var errs [3]error
	var specs, epochs, commands []record
	specs, errs[0] = unneeded(tx, bucketSpecs, func(hash []byte, _ spec.Container) bool {
		return found != nil && !needed[string(hash)]
	})
	epochs, errs[1] = unneeded(tx, bucketEpochs, func(c []byte, t tombstone) bool {
		return !wanted[id.ContainerID(c)] && l.Now().Sub(t.At) > epochMemory
	})
	commands, errs[2] = l.oldCommands(tx)
	return slices.Concat(specs, epochs, commands), errors.Join(errs[:]...)
}
