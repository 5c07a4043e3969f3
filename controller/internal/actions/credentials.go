package actions

import (
	"context"
	"errors"
	"fmt"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
)

// RotateCredential gives a node a new credential. The old one ends with the
// commit and its connection is cut after it. key is the request's
// Idempotency-Key.
func (s *Service) RotateCredential(ctx context.Context, actor authz.Actor, node id.NodeID, key string) (Enrolment, error) {
	n, err := s.nodeFor(ctx, actor, fleet.NodeCredentialRotate, node)
	if err != nil {
		return Enrolment{}, err
	}
	o, err := s.once(actor, fleet.NodeCredentialRotate, key, node)
	if err != nil {
		return Enrolment{}, err
	}
	fresh := fleet.Credential{ID: id.New[id.CredentialID](), NodeID: node, CreatedAt: s.now()}
	made, done := struct{ Credential id.CredentialID }{fresh.ID}, false
	err = s.Store.InTx(ctx, func(tx *store.Tx) (err error) {
		if done, err = tx.Recall(ctx, o, &made); done || err != nil {
			return err
		}
		if _, err := tx.LockNode(ctx, node); err != nil {
			return err
		}
		if _, err := tx.RevokeCredentials(ctx, node, s.now()); err != nil {
			return err
		}
		if err := tx.InsertCredential(ctx, fresh, requester(actor)); err != nil {
			return err
		}
		if err := tx.InsertAudit(ctx, entry(actor, fleet.NodeCredentialRotate, ofNode(n))); err != nil {
			return err
		}
		return tx.Remember(ctx, o, made)
	})
	if err != nil {
		return Enrolment{}, fmt.Errorf("rotate credential: %w", err)
	}
	if !done { // its agent may be in with the new one by now
		s.Kick.KickNode(node, errors.New("its credential was replaced"))
	}
	return s.enrolment(ctx, node, made.Credential)
}

// RevokeCredential takes a node's credential away and cuts its connection.
// What the node runs goes on running.
func (s *Service) RevokeCredential(ctx context.Context, actor authz.Actor, node id.NodeID) error {
	n, err := s.nodeFor(ctx, actor, fleet.NodeCredentialRevoke, node)
	if err != nil {
		return err
	}
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		if _, err := tx.LockNode(ctx, node); err != nil {
			return err
		}
		count, err := tx.RevokeCredentials(ctx, node, s.now())
		if err != nil {
			return err
		}
		return tx.InsertAudit(ctx, detailed(entry(actor, fleet.NodeCredentialRevoke, ofNode(n)), map[string]any{"revoked": count}))
	})
	if err != nil {
		return fmt.Errorf("revoke credential: %w", err)
	}
	s.Kick.KickNode(node, errors.New("its credential was revoked"))
	return nil
}
