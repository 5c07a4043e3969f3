package store

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/lormas/lormas/controller/internal/seal"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// vault is what a store needs to write and read secrets.
type vault struct {
	ring   *seal.Ring
	pepper []byte // what the canary says: known to nobody who has the database only
}

// canaryOf is what the canary is sealed as.
const canaryOf = "database/canary"

// errLocked is what a store says that was opened without a key.
var errLocked = errors.New("this has no key to the secrets of the database")

// Unlock is the same store with the key to its secrets. At the first start
// the ring becomes that of the database; from then on another is refused, as
// it could read nothing, and what it wrote nobody else could.
func (s *Store) Unlock(ctx context.Context, ring *seal.Ring) (*Store, error) {
	canary, err := s.claimCanary(ctx, ring)
	if err != nil {
		return nil, fmt.Errorf("secrets: %w", err)
	}
	pepper, err := ring.Open(canaryOf, canary)
	if err != nil {
		return nil, fmt.Errorf("the secrets in this database cannot be read: %w; if that key is lost for ever, lormas secrets abandon gives up what it sealed", err)
	}
	opened := *s
	opened.vault = &vault{ring, []byte(pepper)}
	return &opened, nil
}

func (s *Store) claimCanary(ctx context.Context, ring *seal.Ring) (canary string, err error) {
	first, err := ring.Seal(ring.Newest(), canaryOf, rand.Text())
	if err != nil {
		return "", err
	}
	err = s.InTx(ctx, func(tx *Tx) error {
		if _, err := tx.tx.Exec(ctx, `insert into secret_key (canary) values ($1) on conflict do nothing`, first); err != nil {
			return err
		}
		return tx.tx.QueryRow(ctx, `select canary from secret_key`).Scan(&canary)
	})
	return canary, err
}

// Seal seals a secret for a row that this transaction writes; of is what it
// is of, such as "user/<id>/totp". It is the key of the canary that seals, and
// that stays so until the transaction ends: a rotation waits.
func (tx *Tx) Seal(ctx context.Context, of, plain string) (string, error) {
	if tx.vault == nil {
		return "", errLocked
	}
	if tx.sealKey == "" {
		var canary string
		if err := tx.tx.QueryRow(ctx, `select canary from secret_key for share`).Scan(&canary); err != nil {
			return "", fmt.Errorf("read the key that seals: %w", err)
		}
		tx.sealKey = seal.KeyOf(canary)
	}
	return tx.vault.ring.Seal(tx.sealKey, of, plain)
}

// Unseal opens what Seal made for the same row.
func (s *Store) Unseal(of, sealed string) (string, error) {
	if s.vault == nil {
		return "", errLocked
	}
	return s.vault.ring.Open(of, sealed)
}

// Digest is a hash of what may hold a secret that could be guessed: who has
// the database cannot try which text gives it.
func (s *Store) Digest(text []byte) []byte {
	var pepper []byte
	if s.vault != nil {
		pepper = s.vault.pepper
	}
	mac := hmac.New(sha256.New, pepper)
	mac.Write(text)
	return mac.Sum(nil)
}

// saltOf and envOf are what the secrets of a spec are sealed as.
func saltOf(c id.ContainerID) string { return fmt.Sprintf("container/%s/salt", c) }

func envOf(c id.ContainerID, name string) string { return fmt.Sprintf("container/%s/env/%s", c, name) }

// sealSpec is a spec as it lies in the database. Its hash is of the plain one.
func (tx *Tx) sealSpec(ctx context.Context, c id.ContainerID, plain spec.Container) (spec.Container, error) {
	if len(plain.Secret) == 0 {
		return plain, nil
	}
	s := plain.Clone()
	return s, eachSecret(c, &s, func(of, text string) (string, error) { return tx.Seal(ctx, of, text) })
}

// openSpec undoes sealSpec.
func (s *Store) openSpec(c id.ContainerID, sealed *spec.Container) error {
	return eachSecret(c, sealed, s.Unseal)
}

// eachSecret turns every secret of a spec into something else.
func eachSecret(c id.ContainerID, s *spec.Container, turn func(of, text string) (string, error)) (err error) {
	if len(s.Secret) == 0 {
		return nil
	}
	if s.Salt, err = turn(saltOf(c), s.Salt); err != nil {
		return err
	}
	for _, name := range s.Secret {
		if s.Env[name], err = turn(envOf(c, name), s.Env[name]); err != nil {
			return err
		}
	}
	return nil
}
