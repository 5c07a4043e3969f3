package app

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/lormas/lormas/shared/id"
)

// tokenName is the file in the data directory that keeps the credential.
const tokenName = "token"

// howToGetToken ends every message about a credential.
const howToGetToken = "get one with `lormas node add NAME` or from the dashboard, and give it as LORMAS_AGENT_TOKEN or with --token-file"

// credential is a node's credential and what it says of itself. Whether that
// is true is for the controller to find out; to lie here would only make the
// agent be refused.
type credential struct {
	token      string
	controller string
	node       id.NodeID
}

// errNoToken is returned when no credential was given or kept.
var errNoToken = errors.New("this node has no credential: " + howToGetToken)

// findCredential takes the credential that was given, else the one in the
// file, else the one kept from an earlier run.
func (c Config) findCredential() (credential, error) {
	token := c.Token
	if token == "" && c.TokenFile != "" {
		text, err := os.ReadFile(c.TokenFile)
		if err != nil {
			return credential{}, fmt.Errorf("--token-file: %w", err)
		}
		token = string(text)
	}
	if token == "" {
		text, err := os.ReadFile(filepath.Join(c.DataDir, tokenName))
		if errors.Is(err, fs.ErrNotExist) {
			return credential{}, errNoToken
		}
		if err != nil {
			return credential{}, fmt.Errorf("read the kept credential: %w", err)
		}
		token = string(text)
	}
	return readCredential(strings.TrimSpace(token))
}

// readCredential reads what a credential, a JWT, says of itself.
func readCredential(token string) (credential, error) {
	fault := errors.New("the credential is damaged, or of another kind: " + howToGetToken)
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return credential{}, fault
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return credential{}, fault
	}
	var claims struct {
		Issuer  string    `json:"iss"`
		Subject id.NodeID `json:"sub"`
	}
	if err := json.Unmarshal(text, &claims); err != nil || claims.Subject.IsZero() || claims.Issuer == "" {
		return credential{}, fault
	}
	return credential{token: token, controller: claims.Issuer, node: claims.Subject}, nil
}

// keep writes the credential down for later runs, whole or not at all.
func (c credential) keep(dataDir string) error {
	path := filepath.Join(dataDir, tokenName)
	if text, err := os.ReadFile(path); err == nil && string(text) == c.token {
		return nil
	}
	draft := path + ".new"
	if err := os.WriteFile(draft, []byte(c.token), 0o600); err != nil {
		return fmt.Errorf("keep the credential: %w", err)
	}
	if err := os.Rename(draft, path); err != nil {
		return fmt.Errorf("keep the credential: %w", err)
	}
	return nil
}
