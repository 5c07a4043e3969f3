package authn

// ResetSecret is the secret of a one-time link for a new password, and its
// hash. It is made like an API token's: nobody can guess it.
func (s *Service) ResetSecret() (secret string, hash []byte) {
	secret = randomHex()
	return secret, hashSecret(secret)
}
