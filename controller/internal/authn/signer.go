package authn

import (
	"crypto/ed25519"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

// Who issues tokens, and for whom they are: a token of one audience is
// worth nothing to the other.
const (
	issuer       = "lormas"
	audienceAPI  = "lormas-api"
	audienceNode = "lormas-node"
)

// Signer signs and checks the tokens that are JWTs.
type Signer struct {
	key  ed25519.PrivateKey
	now  func() time.Time
	api  *jwt.Parser
	node *jwt.Parser
}

// NewSigner makes a signer; now is the clock that tokens expire by.
func NewSigner(key ed25519.PrivateKey, now func() time.Time) Signer {
	strict := func(audience string, more ...jwt.ParserOption) *jwt.Parser {
		return jwt.NewParser(append(more,
			jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}),
			jwt.WithIssuer(issuer), jwt.WithAudience(audience), jwt.WithTimeFunc(now))...)
	}
	return Signer{key: key, now: now, api: strict(audienceAPI, jwt.WithExpirationRequired()), node: strict(audienceNode)}
}

// access is what an access token says.
type access struct {
	User    id.UserID
	Session id.SessionID
	Expires time.Time
}

type accessClaims struct {
	jwt.RegisteredClaims
	Session id.SessionID `json:"sid"`
}

func (s Signer) signAccess(a access) (string, error) {
	return s.sign(accessClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: issuer, Audience: jwt.ClaimStrings{audienceAPI}, Subject: a.User.String(),
			IssuedAt: jwt.NewNumericDate(s.now()), ExpiresAt: jwt.NewNumericDate(a.Expires),
		},
		Session: a.Session,
	})
}

func (s Signer) readAccess(token string) (access, error) {
	var claims accessClaims
	if _, err := s.api.ParseWithClaims(token, &claims, s.public); err != nil {
		return access{}, err
	}
	a := access{Session: claims.Session, Expires: claims.ExpiresAt.Time}
	return a, a.User.UnmarshalText([]byte(claims.Subject))
}

// SignNodeCredential makes the token of a node's credential. It does not
// expire: a machine may be away for months. It ends when it is revoked. A
// credential has one token, whenever and wherever it is made: lists of
// passwords for other brokers are made from it (Signer.BrokerPassword).
func (s Signer) SignNodeCredential(c fleet.Credential) (string, error) {
	return s.sign(jwt.RegisteredClaims{
		Issuer: issuer, Audience: jwt.ClaimStrings{audienceNode}, Subject: c.NodeID.String(),
		ID: c.ID.String(), IssuedAt: jwt.NewNumericDate(c.CreatedAt),
	})
}

// BrokerPassword is what the agent with a credential shows a broker that is
// not ours.
func (s Signer) BrokerPassword(c fleet.Credential) (string, error) {
	token, err := s.SignNodeCredential(c)
	if err != nil {
		return "", err
	}
	return wire.BrokerPassword(token), nil
}

func (s Signer) readCredential(token string) (id.NodeID, id.CredentialID, error) {
	var claims jwt.RegisteredClaims
	var node id.NodeID
	var credential id.CredentialID
	if _, err := s.node.ParseWithClaims(token, &claims, s.public); err != nil {
		return node, credential, err
	}
	if err := node.UnmarshalText([]byte(claims.Subject)); err != nil {
		return node, credential, err
	}
	return node, credential, credential.UnmarshalText([]byte(claims.ID))
}

func (s Signer) sign(claims jwt.Claims) (string, error) {
	token, err := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims).SignedString(s.key)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return token, nil
}

func (s Signer) public(*jwt.Token) (any, error) { return s.key.Public(), nil }
