package ledger

import (
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

// How long a command that is over is remembered, so that a repeat of it is
// answered rather than carried out. Older ones are past every deadline.
const (
	commandMemory = 24 * time.Hour
	maxCommands   = 1000
)

// maxOutbox is how many bytes may wait for the controller. Only commands can
// make it grow without bound, so over it no new ones are taken.
const maxOutbox = 10 << 20

// ErrFull is returned for a command that is not taken because the outbox is
// full. The controller sends it again when the node says hello.
var ErrFull = errors.New("the outbox is full: commands wait until the controller has taken what is in it")

// Command is what is remembered of one.
type Command struct {
	ID          id.CommandID   `json:"id"`
	Action      wire.Action    `json:"action"`
	ContainerID id.ContainerID `json:"container"`
	Epoch       int64          `json:"epoch,omitempty"`
	Rev         int64          `json:"rev,omitempty"`
	Receipt     wire.Receipt   `json:"receipt"`
	Result      *wire.Result   `json:"result,omitempty"`
	Seq         uint64         `json:"seq"` // of its newest event
	At          time.Time      `json:"at"`
}

// Take writes a command down, with its receipt, before anything is done
// about it. It reports whether the command is new; one that was taken before
// must not be carried out again, and if it is over, its result is put into
// the outbox again unless it still waits there.
func (l *Ledger) Take(c wire.Command) (fresh bool, err error) {
	err = l.db.Update(func(tx *bolt.Tx) error {
		known, before, err := get[Command](tx, bucketCommands, c.ID[:])
		if err != nil {
			return err
		}
		if before {
			return l.repeat(tx, known)
		}
		if outboxBytes(tx) > maxOutbox {
			return ErrFull
		}
		fresh = true
		return l.answer(tx, Command{
			ID: c.ID, Action: c.Action, ContainerID: c.ContainerID, Epoch: c.Epoch, Rev: c.Rev,
			Receipt: wire.Delivered, At: l.Now(),
		})
	})
	if err != nil {
		return false, fmt.Errorf("take command %s: %w", c.ID, err)
	}
	l.news.Up()
	return fresh, nil
}

func (l *Ledger) repeat(tx *bolt.Tx, c Command) error {
	waits := tx.Bucket([]byte(bucketOutbox)).Get(number(c.Seq)) != nil
	if waits {
		return nil
	}
	return l.answer(tx, c)
}

// answer puts the receipt of a command into the outbox and writes it down.
func (l *Ledger) answer(tx *bolt.Tx, c Command) error {
	event := wire.Event{Type: wire.EventCommandReceipt, At: l.Now(), CommandID: c.ID, Receipt: c.Receipt}
	if c.Receipt.Final() {
		event.Type, event.Result, event.Status = wire.EventCommandResult, c.Result, "error"
		if c.Receipt == wire.Applied {
			event.Status = "success"
		}
	}
	seq, err := appendEvent(tx, event)
	if err != nil {
		return err
	}
	c.Seq = seq
	return put(tx, bucketCommands, c.ID[:], c)
}

// Finish writes the outcome of a command that was taken. One that is over
// keeps its first outcome.
func (l *Ledger) Finish(command id.CommandID, receipt wire.Receipt, result wire.Result) error {
	err := l.db.Update(func(tx *bolt.Tx) error {
		c, known, err := get[Command](tx, bucketCommands, command[:])
		if err != nil || !known || c.Receipt.Final() {
			return err
		}
		return l.finish(tx, c, receipt, result)
	})
	if err != nil {
		return fmt.Errorf("finish command %s: %w", command, err)
	}
	l.news.Up()
	return nil
}

func (l *Ledger) finish(tx *bolt.Tx, c Command, receipt wire.Receipt, result wire.Result) error {
	c.Receipt, c.Result, c.At = receipt, &result, l.Now()
	return l.answer(tx, c)
}

// Open lists the commands that were taken and are not over, oldest first.
func (l *Ledger) Open() ([]Command, error) {
	var open []Command
	err := l.db.View(func(tx *bolt.Tx) error {
		return each(tx, bucketCommands, func(_ []byte, c Command) error {
			if !c.Receipt.Final() {
				open = append(open, c)
			}
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read the open commands: %w", err)
	}
	return open, nil
}

// oldCommands lists those that are over and need not be remembered. Their
// ids sort by age.
func (l *Ledger) oldCommands(tx *bolt.Tx) ([]record, error) {
	over := 0
	err := each(tx, bucketCommands, func(_ []byte, c Command) error {
		if c.Receipt.Final() {
			over++
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return unneeded(tx, bucketCommands, func(_ []byte, c Command) bool {
		if !c.Receipt.Final() {
			return false
		}
		tooMany := over > maxCommands
		over--
		return tooMany || l.Now().Sub(c.At) > commandMemory
	})
}
