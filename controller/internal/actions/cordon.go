package actions

import (
	"context"
	"fmt"
	"time"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
)

// CordonNode keeps new containers away from a node. What it has stays.
func (s *Service) CordonNode(ctx context.Context, actor authz.Actor, node id.NodeID, reason string) (fleet.Node, error) {
	var f faults
	f.reason(reason)
	return s.changeNode(ctx, actor, fleet.NodeCordon, node, f, func(tx *store.Tx, n fleet.Node) (map[string]any, error) {
		at := s.now()
		if n.CordonedAt != nil {
			at = *n.CordonedAt
		}
		return map[string]any{"cordoned": true, "reason": reason}, tx.SetCordon(ctx, node, &at, reason)
	})
}

// UncordonNode ends that, and with it a quarantine: a person vouches for the
// node. One that is being drained stays cordoned.
func (s *Service) UncordonNode(ctx context.Context, actor authz.Actor, node id.NodeID) (fleet.Node, error) {
	n, err := s.changeNode(ctx, actor, fleet.NodeCordon, node, nil, func(tx *store.Tx, n fleet.Node) (map[string]any, error) {
		if n.Drain != nil {
			return nil, fleet.Errorf(fleet.Conflict, "node %s is being drained: cancel that first with DELETE /api/v1/nodes/%s/drain", n.Name, n.ID)
		}
		return map[string]any{"cordoned": false}, tx.SetCordon(ctx, node, nil, "")
	})
	if err == nil {
		s.Warden.Forgive(node)
	}
	return n, err
}

// changeNode walks the stairs for verbs that change how a node is treated.
// The change answers what the audit entry says of it.
func (s *Service) changeNode(ctx context.Context, actor authz.Actor, v fleet.Verb, node id.NodeID, f faults,
	change func(*store.Tx, fleet.Node) (map[string]any, error)) (fleet.Node, error) {
	if _, err := s.nodeFor(ctx, actor, v, node); err != nil {
		return fleet.Node{}, err
	}
	if err := f.err(); err != nil {
		return fleet.Node{}, err
	}
	err := s.Store.InTx(ctx, func(tx *store.Tx) error {
		n, err := tx.LockNode(ctx, node)
		if err != nil {
			return err
		}
		detail, err := change(tx, n)
		if err != nil {
			return err
		}
		return tx.InsertAudit(ctx, detailed(entry(actor, v, ofNode(n)), detail))
	})
	if err != nil {
		return fleet.Node{}, fmt.Errorf("%s: %w", v, err)
	}
	s.WakeMigrator()
	return s.Store.Node(ctx, node)
}

// Bounds of a drain's patience.
const (
	defaultDrain = 10 * time.Minute
	maxDrain     = 24 * time.Hour
)

// Drain is what DrainNode takes.
type Drain struct {
	Timeout  time.Duration // after it, what is left is moved by force; 0: ten minutes
	Standard bool          // standard containers leave as well
	Reason   string
	Key      string `json:"-"` // Idempotency-Key
}

func (in *Drain) check() error {
	var f faults
	f.reason(in.Reason)
	if in.Timeout < 0 || in.Timeout > maxDrain {
		f.add("timeoutSeconds", "wait between 1 second and %d hours", maxDrain/time.Hour)
	}
	if in.Timeout == 0 {
		in.Timeout = defaultDrain
	}
	return f.err()
}

// DrainNode cordons a node and has what is on it moved to others. The job
// tells how far that has come.
func (s *Service) DrainNode(ctx context.Context, actor authz.Actor, node id.NodeID, in Drain) (fleet.Job, error) {
	if _, err := s.nodeFor(ctx, actor, fleet.NodeDrain, node); err != nil {
		return fleet.Job{}, err
	}
	if err := in.check(); err != nil {
		return fleet.Job{}, err
	}
	o, err := s.once(actor, fleet.NodeDrain, in.Key, []any{node, in})
	if err != nil {
		return fleet.Job{}, err
	}
	job := fleet.Job{
		ID: id.New[id.JobID](), Kind: fleet.NodeDrain, State: fleet.JobQueued, NodeID: &node, RequestedBy: requester(actor), CreatedAt: s.now(),
	}
	made := job.ID
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		if done, err := tx.Recall(ctx, o, &made); done || err != nil {
			return err
		}
		n, err := tx.LockNode(ctx, node)
		if err != nil {
			return err
		}
		if err := s.beginDrain(ctx, tx, n, job, in); err != nil {
			return err
		}
		made = job.ID
		detail := map[string]any{"job": job.ID, "timeout": in.Timeout.String(), "include_standard": in.Standard, "reason": in.Reason}
		if err := tx.InsertAudit(ctx, detailed(entry(actor, fleet.NodeDrain, ofNode(n)), detail)); err != nil {
			return err
		}
		return tx.Remember(ctx, o, made)
	})
	if err != nil {
		return fleet.Job{}, fmt.Errorf("drain node: %w", err)
	}
	s.WakeMigrator()
	return s.Store.Job(ctx, made)
}

func (s *Service) beginDrain(ctx context.Context, tx *store.Tx, n fleet.Node, job fleet.Job, in Drain) error {
	if n.Drain != nil {
		return fleet.Errorf(fleet.Conflict, "node %s is being drained already, by job %s: wait until it is over, or cancel it with DELETE /api/v1/nodes/%s/drain",
			n.Name, n.Drain.JobID, n.ID)
	}
	if n.CordonedAt == nil {
		if err := tx.SetCordon(ctx, n.ID, &job.CreatedAt, in.Reason); err != nil {
			return err
		}
	}
	if err := tx.InsertJob(ctx, job); err != nil {
		return err
	}
	return tx.SetDrain(ctx, n.ID, &fleet.Drain{
		JobID: job.ID, Deadline: job.CreatedAt.Add(in.Timeout), Standard: in.Standard, Reason: in.Reason,
	})
}

// CancelDrain ends a drain. What has not changed its node stays; the node
// stays cordoned.
func (s *Service) CancelDrain(ctx context.Context, actor authz.Actor, node id.NodeID) (fleet.Node, error) {
	seen, err := s.nodeFor(ctx, actor, fleet.NodeDrain, node)
	if err != nil {
		return seen, err
	}
	var end ending
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		if seen.Drain != nil { // its containers are locked before the node
			if end, err = s.endMoves(ctx, tx, seen.Drain.JobID, "cancelled by "+actor.Name); err != nil {
				return err
			}
		}
		n, err := tx.LockNode(ctx, node)
		if err != nil {
			return err
		}
		if n.Drain == nil {
			return fleet.Errorf(fleet.Conflict, "node %s is not being drained: there is nothing to cancel", n.Name)
		}
		if err := s.endDrain(ctx, tx, n, "cancelled by "+actor.Name); err != nil {
			return err
		}
		detail := map[string]any{"cancelled": true, "job": n.Drain.JobID}
		return tx.InsertAudit(ctx, detailed(entry(actor, fleet.NodeDrain, ofNode(n)), detail))
	})
	if err != nil {
		return fleet.Node{}, fmt.Errorf("cancel drain: %w", err)
	}
	s.tellEnding(ctx, end)
	return s.Store.Node(ctx, node)
}

func (s *Service) endDrain(ctx context.Context, tx *store.Tx, n fleet.Node, why string) error {
	now := s.now()
	job := fleet.Job{ID: n.Drain.JobID, Kind: fleet.NodeDrain, State: fleet.JobFailed, NodeID: &n.ID, Error: why, FinishedAt: &now}
	if err := tx.SaveJobs(ctx, []fleet.Job{job}); err != nil {
		return err
	}
	return tx.SetDrain(ctx, n.ID, nil)
}

// endMoves cancels the migrations of a drain that have not changed the
// container's node. Those that go on this very moment do go on.
func (s *Service) endMoves(ctx context.Context, tx *store.Tx, drain id.JobID, why string) (ending, error) {
	open, _, err := tx.Migrations(ctx, store.MigrationFilter{Page: store.Page{Limit: 200}, Job: &drain, Open: true, Reach: store.Reach{All: true}})
	if err != nil {
		return ending{}, err
	}
	locked, err := tx.LockMigrations(ctx, open)
	if err != nil {
		return ending{}, err
	}
	now := s.now()
	var ended []fleet.Migration
	for _, l := range locked {
		if m := l.Migration; mayCancel(m) == nil {
			m.State, m.Error, m.Waiting, m.Deadline, m.FinishedAt = fleet.MigrationCancelled, why, "", nil, &now
			ended = append(ended, m)
		}
	}
	_, revs, err := tx.FinishMigrations(ctx, ended)
	return ending{revs, ended}, err
}
