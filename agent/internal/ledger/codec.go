package ledger

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// The buckets.
const (
	bucketMeta     = "meta"
	bucketDesired  = "desired"
	bucketSpecs    = "specs"
	bucketEpochs   = "epochs"
	bucketCommands = "commands"
	bucketOutbox   = "outbox"
	bucketStates   = "states"
)

var buckets = []string{bucketMeta, bucketDesired, bucketSpecs, bucketEpochs, bucketCommands, bucketOutbox, bucketStates}

// meta is the one record of its bucket.
type meta struct {
	LedgerID string    `json:"ledger_id"`
	Node     id.NodeID `json:"node"`
	Sessions uint64    `json:"sessions"` // reserved so far
	Accepted int64     `json:"accepted_rev"`
	Applied  int64     `json:"applied_rev"`
	MetBoot  string    `json:"met_boot,omitempty"` // the boot of the machine in which the controller last answered
}

var metaKey = []byte("meta")

// tombstone remembers how far a container's epochs have come, so that an old
// message cannot bring an old copy back.
type tombstone struct {
	Epoch int64     `json:"epoch"`
	At    time.Time `json:"at"` // when it last was desired, by the agent's clock
}

// check reports a value that is not what its bucket holds. Buckets of a
// later version are not ours to judge.
func check(bucket string, value []byte) error {
	var err error
	switch bucket {
	case bucketMeta:
		_, err = decode[meta](value)
	case bucketDesired:
		_, err = decode[wire.DesiredContainer](value)
	case bucketSpecs:
		_, err = decode[spec.Container](value)
	case bucketEpochs:
		_, err = decode[tombstone](value)
	case bucketCommands:
		_, err = decode[Command](value)
	case bucketOutbox:
		_, err = decode[wire.Event](value)
	case bucketStates:
		if len(value) != 8 {
			err = fmt.Errorf("%w: a number of %d bytes", errCorrupt, len(value))
		}
	}
	return err
}

func decode[T any](value []byte) (T, error) {
	var out T
	if err := json.Unmarshal(value, &out); err != nil {
		return out, fmt.Errorf("%w: %w", errCorrupt, err)
	}
	return out, nil
}

// get reads a record; a missing one is the zero value and false.
func get[T any](tx *bolt.Tx, bucket string, key []byte) (T, bool, error) {
	var none T
	value := tx.Bucket([]byte(bucket)).Get(key)
	if value == nil {
		return none, false, nil
	}
	out, err := decode[T](value)
	return out, err == nil, err
}

func put[T any](tx *bolt.Tx, bucket string, key []byte, record T) error {
	value, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("encode a record of %s: %w", bucket, err)
	}
	return tx.Bucket([]byte(bucket)).Put(key, value)
}

// each visits the records of a bucket in the order of their keys.
func each[T any](tx *bolt.Tx, bucket string, visit func(key []byte, record T) error) error {
	return tx.Bucket([]byte(bucket)).ForEach(func(key, value []byte) error {
		record, err := decode[T](value)
		if err != nil {
			return err
		}
		return visit(key, record)
	})
}

// unneeded lists the records that a condition holds for.
func unneeded[T any](tx *bolt.Tx, bucket string, condition func(key []byte, value T) bool) ([]record, error) {
	var out []record
	err := each(tx, bucket, func(key []byte, value T) error {
		if condition(key, value) {
			out = append(out, record{bucket, slices.Clone(key)}) // a key is valid only within its transaction
		}
		return nil
	})
	return out, err
}

// number is a key that sorts as the number does.
func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func place(c id.ContainerID, epoch int64) []byte {
	return binary.BigEndian.AppendUint64(c[:], uint64(epoch))
}
