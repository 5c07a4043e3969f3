package roster

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/lormas/lormas/shared/wire"
)

// Login is somebody who may come in.
type Login struct {
	User     string
	Password string `json:"-"`
}

// String leaves the password out, so that no log line can hold it.
func (l Login) String() string { return l.User }

// mosquitto_passwd's own numbers.
const (
	mosquittoRounds = 101
	mosquittoSalt   = 12
)

// MosquittoPasswords is a password_file of mosquitto 2: a line for each login,
// with PBKDF2-SHA512.
func MosquittoPasswords(logins []Login) (string, error) {
	var out strings.Builder
	for _, l := range logins {
		var salt [mosquittoSalt]byte
		_, _ = rand.Read(salt[:]) // never fails: crypto/rand says so
		hash, err := pbkdf2.Key(sha512.New, l.Password, salt[:], mosquittoRounds, sha512.Size)
		if err != nil {
			return "", fmt.Errorf("hash the password of %s: %w", l.User, err)
		}
		text := base64.StdEncoding.EncodeToString
		fmt.Fprintf(&out, "%s:$7$%d$%s$%s\n", l.User, mosquittoRounds, text(salt[:]), text(hash))
	}
	return out.String(), nil
}

// MosquittoACL is an acl_file of mosquitto. It names no node: %u is whoever
// has logged in.
func MosquittoACL(controller string) string {
	var out strings.Builder
	fmt.Fprintf(&out, "# Made by lormas broker passwords: who may use which topics.\n\nuser %s\ntopic readwrite %s#\n\n", controller, wire.Prefix)
	out.WriteString("# Agents: each under the id of its own node, which is its user name (%u).\n")
	for _, r := range wire.Rules {
		filter := wire.Prefix + strings.NewReplacer("{node}", "%u", "{container}", "+").Replace(r.Pattern)
		switch {
		case r.Sender == wire.FromAgent:
			fmt.Fprintf(&out, "pattern write %s\n", filter)
		case r.ToAgent:
			fmt.Fprintf(&out, "pattern read %s\n", filter)
		}
	}
	return out.String()
}
