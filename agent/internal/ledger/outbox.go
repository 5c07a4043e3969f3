package ledger

import (
	"encoding/binary"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// Observation is something seen of a container, with what follows from it.
type Observation struct {
	Status  wire.ContainerStatus
	Settled *Settlement // nil: commands for the container stay open
}

// Settlement ends the open lifecycle commands of a container, up to and with
// a revision.
type Settlement struct {
	UpToRev int64
	Receipt wire.Receipt
	Result  wire.Result
}

// Record writes observations down and puts them into the outbox. A state
// takes the place of an older one of the same container and epoch that still
// waits there, so that a node which is cut off for a year reports once. A
// container that should be absent and is leaves the desired set.
func (l *Ledger) Record(seen []Observation) error {
	err := l.db.Update(func(tx *bolt.Tx) error {
		for _, o := range seen {
			if err := l.record(tx, o); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("record what was seen: %w", err)
	}
	l.news.Up()
	return nil
}

func (l *Ledger) record(tx *bolt.Tx, o Observation) error {
	status := o.Status
	_, err := appendEvent(tx, wire.Event{Type: wire.EventContainerState, At: l.Now(), Container: &status})
	if err != nil {
		return err
	}
	if status.Phase == spec.Removed {
		if err := l.forgetContainer(tx, status); err != nil {
			return err
		}
	}
	if o.Settled == nil {
		return nil
	}
	var done []Command
	err = each(tx, bucketCommands, func(_ []byte, c Command) error {
		if c.ContainerID == status.ID && !c.Receipt.Final() && !c.Action.Transient() && c.Rev <= o.Settled.UpToRev {
			done = append(done, c)
		}
		return nil
	})
	for _, c := range done {
		if err == nil {
			err = l.finish(tx, c, o.Settled.Receipt, o.Settled.Result)
		}
	}
	return err
}

// forgetContainer takes a removed container out of the set, unless it has
// been given back since. Its epoch stays known.
func (l *Ledger) forgetContainer(tx *bolt.Tx, gone wire.ContainerStatus) error {
	c, known, err := get[wire.DesiredContainer](tx, bucketDesired, gone.ID[:])
	if err != nil || !known || c.Power != spec.Absent || c.Epoch > gone.Epoch {
		return err
	}
	if err := put(tx, bucketEpochs, gone.ID[:], tombstone{Epoch: c.Epoch, At: l.Now()}); err != nil {
		return err
	}
	return tx.Bucket([]byte(bucketDesired)).Delete(gone.ID[:])
}

// appendEvent gives an event its number and stores it.
func appendEvent(tx *bolt.Tx, e wire.Event) (uint64, error) {
	outbox, states := tx.Bucket([]byte(bucketOutbox)), tx.Bucket([]byte(bucketStates))
	seq, err := outbox.NextSequence()
	if err != nil {
		return 0, err
	}
	e.Seq = seq
	if e.Container != nil {
		key := place(e.Container.ID, e.Container.Epoch)
		if older := states.Get(key); older != nil {
			if err := outbox.Delete(older); err != nil {
				return 0, err
			}
		}
		if err := states.Put(key, number(seq)); err != nil {
			return 0, err
		}
	}
	return seq, put(tx, bucketOutbox, number(seq), e)
}

// Outbox reads the events after a number, in order: at most so many, and not
// many more bytes than said.
func (l *Ledger) Outbox(after uint64, items, bytes int) ([]wire.Event, error) {
	var events []wire.Event
	err := l.db.View(func(tx *bolt.Tx) error {
		cursor := tx.Bucket([]byte(bucketOutbox)).Cursor()
		for key, value := cursor.Seek(number(after + 1)); key != nil && len(events) < items && bytes > 0; key, value = cursor.Next() {
			e, err := decode[wire.Event](value)
			if err != nil {
				return err
			}
			events = append(events, e)
			bytes -= len(value)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the outbox: %w", err)
	}
	return events, nil
}

// Acked forgets the events up to a number: they are in the controller's
// database. A number that was never given here means that this file is an
// old copy of itself (a machine restored from a snapshot): what waits gets
// new numbers, as the controller would take it for known.
func (l *Ledger) Acked(upTo uint64) error {
	err := l.db.Update(func(tx *bolt.Tx) error {
		outbox := tx.Bucket([]byte(bucketOutbox))
		if upTo > outbox.Sequence() {
			return renumber(tx, upTo)
		}
		cursor := outbox.Cursor()
		for key, value := cursor.First(); key != nil && binary.BigEndian.Uint64(key) <= upTo; key, value = cursor.First() {
			if err := dropEvent(tx, key, value); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("trim the outbox: %w", err)
	}
	return nil
}

func dropEvent(tx *bolt.Tx, key, value []byte) error {
	e, err := decode[wire.Event](value)
	if err != nil {
		return err
	}
	if e.Container != nil {
		if err := tx.Bucket([]byte(bucketStates)).Delete(place(e.Container.ID, e.Container.Epoch)); err != nil {
			return err
		}
	}
	return tx.Bucket([]byte(bucketOutbox)).Delete(key)
}

func renumber(tx *bolt.Tx, from uint64) error {
	var waiting []wire.Event
	err := each(tx, bucketOutbox, func(_ []byte, e wire.Event) error {
		waiting = append(waiting, e)
		return nil
	})
	if err != nil {
		return err
	}
	outbox := tx.Bucket([]byte(bucketOutbox))
	if err := outbox.SetSequence(from); err != nil {
		return err
	}
	for _, e := range waiting {
		if err := outbox.Delete(number(e.Seq)); err != nil {
			return err
		}
		if _, err := appendEvent(tx, e); err != nil {
			return err
		}
	}
	return nil
}

func outboxBytes(tx *bolt.Tx) int {
	total := 0
	cursor := tx.Bucket([]byte(bucketOutbox)).Cursor()
	for key, value := cursor.First(); key != nil; key, value = cursor.Next() {
		total += len(key) + len(value)
	}
	return total
}
