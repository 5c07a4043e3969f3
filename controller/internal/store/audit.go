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

// AuditList is how the audit trail is listed.
var AuditList = Listing{
	name: "audit trail", looks: []string{"x.actor_name", "x.target_name"}, Finds: "the name of who acted, and of what it was done to",
	orders: []order{byTime("at", "x.at"), byText("verb", "x.verb"), byText("outcome", "x.outcome")},
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
	Since, Until time.Time
}

// Audit lists the audit trail, and the cursor of the next page.
func (s *Store) Audit(ctx context.Context, f AuditFilter) ([]fleet.AuditEntry, string, error) {
	verb, open := strings.CutSuffix(f.Verb, "*")
	return list(ctx, s, AuditList, f.Page, scanAudit, `
		select id, at, actor_kind, actor_id, actor_name, verb, target_kind, target_id, target_name,
		       outcome, reason, address, request_id, detail, before, after
		from audit_log
		where ($1 = '' or verb = $1 or $2 and starts_with(verb, $1)) and ($3 = '' or outcome = $3)
		  and ($4::uuid is null or actor_id = $4) and ($5::uuid is null or target_id = $5)
		  and ($6::timestamptz is null or at >= $6) and ($7::timestamptz is null or at < $7)
		  and ($8 = '' or target_kind = $8) and ($9 = '' or address = $9)`,
		verb, open, f.Outcome, orNull(f.Actor), orNull(f.Target), timeOrNull(f.Since), timeOrNull(f.Until), f.TargetKind, f.Address)
}

// AuditPages hands out all that the filter lets through, newest first, a page
// at a time. Each page is a statement of its own, so that a reader who takes
// hours over it holds nothing open meanwhile; what is written after the
// beginning is not among it.
func (s *Store) AuditPages(ctx context.Context, f AuditFilter) iter.Seq2[[]fleet.AuditEntry, error] {
	return func(yield func([]fleet.AuditEntry, error) bool) {
		f.Limit = maxPage
		for {
			entries, next, err := s.Audit(ctx, f)
			if !yield(entries, err) || err != nil || next == "" {
				return
			}
			f.Cursor = next
		}
	}
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
