package store

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

// InsertAudit writes one line of the audit trail. Without a time of its own it
// has that of the transaction.
func (tx *Tx) InsertAudit(ctx context.Context, e fleet.AuditEntry) error {
	if e.ID.IsZero() {
		e.ID = id.New[id.AuditID]()
	}
	var parts [3][]byte
	for i, part := range []map[string]any{e.Detail, e.Before, e.After} {
		if len(part) == 0 {
			continue
		}
		var err error
		if parts[i], err = json.Marshal(part); err != nil {
			return fmt.Errorf("insert audit entry: %w", err)
		}
	}
	_, err := tx.tx.Exec(ctx, `
		insert into audit_log (id, actor_kind, actor_id, actor_name, verb, target_kind, target_id, target_name,
		                       outcome, reason, address, request_id, detail, before, after, at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, coalesce($16, now()))`,
		e.ID, e.ActorKind, orNull(e.ActorID), e.ActorName, e.Verb, e.TargetKind, orNull(e.TargetID), e.TargetName,
		e.Outcome, e.Reason, e.Address, e.RequestID, parts[0], parts[1], parts[2], timeOrNull(e.At))
	if err != nil {
		return fmt.Errorf("insert audit entry: %w", err)
	}
	return nil
}

// AuditFilter narrows the audit trail. Zero fields do not.
type AuditFilter struct {
	Page
	Verb         string // or the beginning of one: container.*
	Outcome      fleet.Outcome
	Actor        uuid.UUID
	TargetKind   string
	Target       uuid.UUID
	Address      string
	Q            string // part of the name of who acted, or of what it was done to
	Since, Until time.Time
}

// Audit lists the audit trail, newest first, and the cursor of the next page.
func (s *Store) Audit(ctx context.Context, f AuditFilter) ([]fleet.AuditEntry, string, error) {
	before, err := f.before()
	if err != nil {
		return nil, "", err
	}
	entries, err := s.audit(ctx, f, before, f.limit()+1)
	if err != nil {
		return nil, "", err
	}
	entries, next := cut(entries, f.limit(), func(e fleet.AuditEntry) fmt.Stringer { return e.ID })
	return entries, next, nil
}

// AuditPages hands out all that the filter lets through, newest first, a page
// at a time. Each page is a statement of its own, so that a reader who takes
// hours over it holds nothing open meanwhile; what is written after the
// beginning is not among it.
func (s *Store) AuditPages(ctx context.Context, f AuditFilter) iter.Seq2[[]fleet.AuditEntry, error] {
	return func(yield func([]fleet.AuditEntry, error) bool) {
		const atOnce = 500
		before, err := f.before()
		for err == nil {
			var entries []fleet.AuditEntry
			if entries, err = s.audit(ctx, f, before, atOnce); err != nil {
				break
			}
			if !yield(entries, nil) || len(entries) < atOnce {
				return
			}
			last := uuid.UUID(entries[len(entries)-1].ID)
			before = &last
		}
		yield(nil, err)
	}
}

func (s *Store) audit(ctx context.Context, f AuditFilter, before *uuid.UUID, limit int) ([]fleet.AuditEntry, error) {
	verb, open := strings.CutSuffix(f.Verb, "*")
	rows, err := s.db.Query(ctx, `
		select id, at, actor_kind, actor_id, actor_name, verb, target_kind, target_id, target_name,
		       outcome, reason, address, request_id, detail, before, after
		from audit_log
		where ($1::uuid is null or id < $1)
		  and ($2 = '' or verb = $2 or $3 and starts_with(verb, $2)) and ($4 = '' or outcome = $4)
		  and ($5::uuid is null or actor_id = $5) and ($6::uuid is null or target_id = $6)
		  and ($7::timestamptz is null or at >= $7) and ($8::timestamptz is null or at < $8)
		  and ($9 = '' or target_kind = $9) and ($10 = '' or address = $10)
		  and ($11 = '' or strpos(lower(actor_name), lower($11)) > 0 or strpos(lower(target_name), lower($11)) > 0)
		order by id desc limit $12`,
		before, verb, open, f.Outcome, orNull(f.Actor), orNull(f.Target), timeOrNull(f.Since), timeOrNull(f.Until),
		f.TargetKind, f.Address, f.Q, limit)
	if err != nil {
		return nil, fmt.Errorf("list audit trail: %w", err)
	}
	entries, err := pgx.CollectRows(rows, scanAudit)
	if err != nil {
		return nil, fmt.Errorf("list audit trail: %w", err)
	}
	return entries, nil
}

// ForgetAudit deletes what is older, some of it at a time: the trail of a year
// must not be one transaction. It says how much that was.
func (tx *Tx) ForgetAudit(ctx context.Context, before time.Time, atMost int) (int64, error) {
	tag, err := tx.tx.Exec(ctx, `
		delete from audit_log where id in (select id from audit_log where at < $1 order by at limit $2)`, before, atMost)
	if err != nil {
		return 0, fmt.Errorf("forget old audit entries: %w", err)
	}
	return tag.RowsAffected(), nil
}

// orNull is an optional key as its column wants it.
func orNull(u uuid.UUID) *uuid.UUID {
	if u == uuid.Nil {
		return nil
	}
	return &u
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func scanAudit(row pgx.CollectableRow) (fleet.AuditEntry, error) {
	var e fleet.AuditEntry
	var actor, target *uuid.UUID
	err := row.Scan(&e.ID, &e.At, &e.ActorKind, &actor, &e.ActorName, &e.Verb, &e.TargetKind, &target,
		&e.TargetName, &e.Outcome, &e.Reason, &e.Address, &e.RequestID, &e.Detail, &e.Before, &e.After)
	if actor != nil {
		e.ActorID = *actor
	}
	if target != nil {
		e.TargetID = *target
	}
	return e, err
}
