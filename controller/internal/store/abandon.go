package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/seal"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// Lost is what nobody can read any more, as its key is gone.
type Lost struct {
	Factors    []LostFactor
	Containers []LostSecrets
}

// LostFactor is the second factor of a user.
type LostFactor struct {
	User  id.UserID
	Email string
}

// LostSecrets are those of a container.
type LostSecrets struct {
	Container id.ContainerID
	Name      string
	Secrets   []string // the names of the variables, sorted
	Deleted   bool
	Stopped   bool // it was to run, and is not to run without its secrets
}

// verbAbandon names the audit entry of secrets that were given up.
const verbAbandon fleet.Verb = "secrets.abandon"

// errDry takes a rehearsal back.
var errDry = errors.New("this is only a rehearsal")

// Abandon gives up what no key of the ring opens, and makes the ring's newest
// key the one of the database. Second factors that are lost are taken away;
// lost secrets of containers become empty, and those containers stop: with an
// empty password they might let everybody in. What still opens stays. A
// rehearsal changes nothing. It is refused where the ring opens the database,
// and while a controller works on it.
func (s *Store) Abandon(ctx context.Context, ring *seal.Ring, rehearse bool) (Lost, error) {
	pepper := rand.Text()
	opened := *s
	opened.vault = &vault{ring, []byte(pepper)}
	var lost Lost
	err := opened.InTx(ctx, func(tx *Tx) (err error) {
		lost = Lost{}
		if err := tx.checkAbandoned(ctx); err != nil {
			return err
		}
		canary, err := ring.Seal(ring.Newest(), canaryOf, pepper)
		if err != nil {
			return err
		}
		if _, err := tx.tx.Exec(ctx, `update secret_key set canary = $1`, canary); err != nil {
			return err
		}
		if lost.Factors, err = tx.abandonFactors(ctx); err != nil {
			return err
		}
		if lost.Containers, err = tx.abandonSpecs(ctx); err != nil {
			return err
		}
		// their hashes were made with what the old canary said
		if _, err := tx.tx.Exec(ctx, `delete from idempotency_keys`); err != nil {
			return err
		}
		err = tx.InsertAudit(ctx, fleet.AuditEntry{
			ActorKind: fleet.ActorSystem, ActorName: "lormas secrets abandon", Verb: verbAbandon, Outcome: fleet.OutcomeOK,
			Detail: map[string]any{"second_factors": len(lost.Factors), "containers": len(lost.Containers), "key": ring.Newest()},
		})
		if err != nil || !rehearse {
			return err
		}
		return errDry
	})
	if err != nil && !errors.Is(err, errDry) {
		return Lost{}, fmt.Errorf("abandon secrets: %w", err)
	}
	return lost, nil
}

// checkAbandoned keeps everybody from sealing meanwhile, and reports why there
// is nothing to abandon, or not now.
func (tx *Tx) checkAbandoned(ctx context.Context) error {
	var canary string
	err := tx.tx.QueryRow(ctx, `select canary from secret_key for update`).Scan(&canary)
	if errors.Is(err, pgx.ErrNoRows) {
		return errors.New("this database has no secrets yet: just start the controller")
	}
	if err != nil {
		return err
	}
	if _, err := tx.vault.ring.Open(canaryOf, canary); err == nil {
		return errors.New("nothing is lost: the secret key that is here opens this database")
	}
	controllers, err := tx.LockControllers(ctx)
	if err != nil {
		return err
	}
	for _, c := range controllers {
		if c.LeaseLeft > 0 {
			return fmt.Errorf("controller %s works on this database, so the key is not lost: copy it from there; "+
				"or, if that controller was ended a moment ago, try again in %s", c.ID, c.LeaseLeft)
		}
	}
	return nil
}

func (tx *Tx) abandonFactors(ctx context.Context) ([]LostFactor, error) {
	rows, err := tx.tx.Query(ctx, `select id, email, totp_secret from users where totp_secret is not null order by email for update`)
	if err != nil {
		return nil, err
	}
	type row struct {
		LostFactor
		Sealed string
	}
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (f row, err error) {
		return f, r.Scan(&f.User, &f.Email, &f.Sealed)
	})
	if err != nil {
		return nil, err
	}
	var lost []LostFactor
	for _, r := range list {
		if _, err := tx.Unseal(TOTPOf(r.User), r.Sealed); err == nil {
			continue
		}
		lost = append(lost, r.LostFactor)
		if err := tx.DropTOTP(ctx, r.User); err != nil {
			return nil, err
		}
	}
	return lost, nil
}

func (tx *Tx) abandonSpecs(ctx context.Context) ([]LostSecrets, error) {
	rows, err := tx.tx.Query(ctx, `
		select id, name, node_id, spec, deleted_at is not null, deleted_at is null and desired_power = 'running'
		from containers where spec ? 'secret' order by name for update`)
	if err != nil {
		return nil, err
	}
	type row struct {
		LostSecrets
		node id.NodeID
		spec spec.Container
	}
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (c row, err error) {
		return c, r.Scan(&c.Container, &c.Name, &c.node, &c.spec, &c.Deleted, &c.Stopped)
	})
	if err != nil {
		return nil, err
	}
	var lost []LostSecrets
	for _, r := range list {
		var whole bool
		if r.Secrets, whole = tx.openWhatOpens(r.Container, &r.spec); whole {
			continue
		}
		lost = append(lost, r.LostSecrets)
		if err := tx.saveAbandoned(ctx, r.LostSecrets, r.node, r.spec); err != nil {
			return nil, err
		}
	}
	return lost, nil
}

// openWhatOpens opens a spec as far as that goes, and answers the names of
// what is lost, which becomes empty, and whether nothing had to change.
func (s *Store) openWhatOpens(c id.ContainerID, sealed *spec.Container) (lost []string, whole bool) {
	for _, name := range sealed.Secret {
		plain, err := s.Unseal(envOf(c, name), sealed.Env[name])
		if err != nil {
			lost = append(lost, name)
		}
		sealed.Env[name] = plain
	}
	salt, err := s.Unseal(saltOf(c), sealed.Salt)
	if err != nil {
		salt = rand.Text()
	}
	sealed.Salt = salt
	return lost, err == nil && len(lost) == 0
}

func (tx *Tx) saveAbandoned(ctx context.Context, l LostSecrets, node id.NodeID, plain spec.Container) error {
	sealed, err := tx.sealSpec(ctx, l.Container, plain)
	if err != nil {
		return err
	}
	_, err = tx.tx.Exec(ctx, `
		update containers set spec = $2, spec_hash = $3, generation = generation + 1, updated_at = now(),
			desired_power = case when $4 then 'stopped' else desired_power end where id = $1`,
		l.Container, sealed, plain.Hash(), l.Stopped)
	if err != nil || l.Deleted {
		return err
	}
	_, err = tx.TouchNode(ctx, node, l.Container)
	return err
}
