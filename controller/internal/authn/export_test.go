package authn

import "github.com/alexedwards/argon2id"

// Hashing are the parameters that passwords are hashed with.
var Hashing = *hashing

// WatchHashing tells of every comparison of a password, with the parameters
// that say how much work it is. Call it before anybody signs in.
func (s *Service) WatchHashing(seen func(argon2id.Params)) {
	compare := s.hasher.compare
	s.hasher.compare = func(password, hash string) (bool, error) {
		if p, _, _, err := argon2id.DecodeHash(hash); err == nil {
			seen(*p)
		}
		return compare(password, hash)
	}
}
