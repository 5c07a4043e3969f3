package authn

import (
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"strings"
	"time"

	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"
)

// A code is that of a step of 30 seconds. Those of the step before and after
// are good as well: clocks differ, and people type slowly.
const (
	stepSeconds = 30
	stepsApart  = 1
	codeDigits  = 6
)

// newSeed makes the seed of a second factor, and the address with which an
// app takes it over.
func newSeed(account string) (secret, uri string, err error) {
	key, err := totp.Generate(totp.GenerateOpts{Issuer: "Lormas", AccountName: account})
	if err != nil {
		return "", "", fmt.Errorf("make the seed: %w", err)
	}
	return key.Secret(), key.URL(), nil
}

// stepOf is the step that a code is of, among those that are good now.
func stepOf(seed, code string, now time.Time) (int64, bool) {
	present := now.Unix() / stepSeconds
	for step := present - stepsApart; step <= present+stepsApart; step++ {
		want, err := hotp.GenerateCode(seed, uint64(step)) //nolint:gosec // steps count from 1970
		if err == nil && subtle.ConstantTimeCompare([]byte(code), []byte(want)) == 1 {
			return step, true
		}
	}
	return 0, false
}

// isTOTP reports whether a code is of the second factor and not a recovery
// code.
func isTOTP(code string) bool {
	return len(code) == codeDigits && strings.Trim(code, "0123456789") == ""
}

// plainCode is a code without what people put in between.
func plainCode(typed string) string {
	return strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(typed))
}

const recoveryCodes = 10

// newRecoveryCodes makes recovery codes, as they are shown and as they are
// kept. Each is 80 random bits, so that a plain hash gives none away.
func newRecoveryCodes() (shown []string, hashes [][]byte) {
	for range recoveryCodes {
		text := rand.Text()[:16]
		shown = append(shown, strings.Join([]string{text[:4], text[4:8], text[8:12], text[12:]}, "-"))
		hashes = append(hashes, hashSecret(text))
	}
	return shown, hashes
}
