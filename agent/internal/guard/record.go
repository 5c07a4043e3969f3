package guard

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/lease"
)

// record is the file that outlives the guard. It is good for one boot of the
// machine: its times are those of a clock that begins anew with each.
type record struct {
	BootID string    `json:"boot_id"`
	Node   id.NodeID `json:"node"`
	Copies []kept    `json:"copies"`
}

type kept struct {
	Watched
	Signal   int    `json:"signal"`
	Bound    bool   `json:"bound,omitempty"`
	Pid      int    `json:"pid,omitempty"`
	Born     uint64 `json:"born,omitempty"` // with the pid it names a process for as long as the machine is up
	DockerID string `json:"docker_id,omitempty"`
}

// errNoRecord is why a guard begins with nothing: whatever runs of exclusive
// containers is killed.
var errNoRecord = errors.New("no valid record")

func loadRecord(path, bootID string, node id.NodeID) (record, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return record{}, fmt.Errorf("%w: %w", errNoRecord, err)
	}
	var r record
	if err := json.Unmarshal(text, &r); err != nil {
		return record{}, fmt.Errorf("%w: %s: %w", errNoRecord, path, err)
	}
	if r.BootID != bootID || r.Node != node {
		return record{}, fmt.Errorf("%w: %s is of boot %s and node %s", errNoRecord, path, r.BootID, r.Node)
	}
	return r, nil
}

// save replaces the file as a whole: whoever reads it sees the old or the new.
func (r record) save(path string) error {
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write the record: %w", err)
	}
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return fmt.Errorf("write the record: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write the record: %w", err)
	}
	return nil
}

// BootID is the kernel's name for this boot of the machine.
func BootID() (string, error) {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("find out which boot this is: %w", err)
	}
	return string(bytes.TrimSpace(text)), nil
}

// lock claims the node's files for as long as the file is open: there is one
// guard for a node.
func lock(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("another guard of this node holds %s", path), file.Close())
	}
	_ = file.Truncate(0) // what is inside is for people
	_, _ = fmt.Fprintln(file, os.Getpid())
	return file, nil
}

// restore makes the record what the guard works with. An init that is gone,
// or whose pid somebody else has by now, is dead: nothing of it is held.
func (r record) restore() (lease.Guard, map[lease.Copy]*hold) {
	watched, holds := lease.Guard{}, map[lease.Copy]*hold{}
	for _, k := range r.Copies {
		watched[k.Copy] = lease.Watch{Soft: k.Term.Soft, Until: k.Term.Until, Asked: k.Asked, Fenced: k.Fenced, Dead: k.Dead}
		h := &hold{signal: k.Signal, bound: k.Bound, dockerID: k.DockerID}
		if k.Pid != 0 {
			if p, err := openProcess(k.Pid); err == nil && p.born == k.Born {
				h.init = p
			} else if err == nil {
				p.close()
			}
		}
		holds[k.Copy] = h
	}
	return watched, holds
}

// write is the record of what the guard works with.
func write(bootID string, node id.NodeID, watched lease.Guard, holds map[lease.Copy]*hold) record {
	r := record{BootID: bootID, Node: node, Copies: []kept{}}
	for c, w := range watched {
		k := kept{Watched: describe(c, w)}
		if h := holds[c]; h != nil {
			k.Signal, k.Bound, k.DockerID = h.signal, h.bound, h.dockerID
			if h.init != nil {
				k.Pid, k.Born = h.init.pid, h.init.born
			}
		}
		r.Copies = append(r.Copies, k)
	}
	return r
}

func describe(c lease.Copy, w lease.Watch) Watched {
	return Watched{Copy: c, Term: Term{Soft: w.Soft, Until: w.Until}, Asked: w.Asked, Fenced: w.Fenced, Dead: w.Dead}
}
