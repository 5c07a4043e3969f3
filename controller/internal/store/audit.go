package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

// InsertAudit writes one line of the audit trail.
func (tx *Tx) InsertAudit(ctx context.Context, e fleet.AuditEntry) error {
	if e.ID.IsZero() {
		e.ID = id.New[id.AuditID]()
	}
	var detail []byte
	if len(e.Detail) > 0 {
		var err error
		if detail, err = json.Marshal(e.Detail); err != nil {
			return fmt.Errorf("insert audit entry: detail: %w", err)
		}
	}
	_, err := tx.tx.Exec(ctx, `
		insert into audit_log (id, actor_kind, actor_id, actor_name, verb, target_kind, target_id, target_name,
		                       outcome, reason, address, request_id, detail)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		e.ID, e.ActorKind, orNull(e.ActorID), e.ActorName, e.Verb, e.TargetKind, orNull(e.TargetID), e.TargetName,
		e.Outcome, e.Reason, e.Address, e.RequestID, detail)
	if err != nil {
		return fmt.Errorf("insert audit entry: %w", err)
	}
	return nil
}

// AuditFilter narrows the audit trail. Zero fields do not.
type AuditFilter struct {
	Page
	Verb         fleet.Verb
	Outcome      fleet.Outcome
	Actor        uuid.UUID
	Target       uuid.UUID
	Since, Until time.Time
}

// Audit lists the audit trail, newest first, and the cursor of the next page.
func (s *Store) Audit(ctx context.Context, f AuditFilter) ([]fleet.AuditEntry, string, error) {
	before, err := f.before()
	if err != nil {
		return nil, "", err
	}
	rows, err := s.db.Query(ctx, `
		select id, at, actor_kind, actor_id, actor_name, verb, target_kind, target_id, target_name,
		       outcome, reason, address, request_id, detail
		from audit_log
		where ($1::uuid is null or id < $1)
		  and ($2 = '' or verb = $2) and ($3 = '' or outcome = $3)
		  and ($4::uuid is null or actor_id = $4) and ($5::uuid is null or target_id = $5)
		  and ($6::timestamptz is null or at >= $6) and ($7::timestamptz is null or at < $7)
		order by id desc limit $8`,
		before, f.Verb, f.Outcome, orNull(f.Actor), orNull(f.Target), timeOrNull(f.Since), timeOrNull(f.Until), f.limit()+1)
	if err != nil {
		return nil, "", fmt.Errorf("list audit trail: %w", err)
	}
	entries, err := pgx.CollectRows(rows, scanAudit)
	if err != nil {
		return nil, "", fmt.Errorf("list audit trail: %w", err)
	}
	entries, next := cut(entries, f.limit(), func(e fleet.AuditEntry) fmt.Stringer { return e.ID })
	return entries, next, nil
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
		&e.TargetName, &e.Outcome, &e.Reason, &e.Address, &e.RequestID, &e.Detail)
	if actor != nil {
		e.ActorID = *actor
	}
	if target != nil {
		e.TargetID = *target
	}
	return e, err
}
