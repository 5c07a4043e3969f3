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

// clockLeeway is how far the clock of the controller that made a token may be
// ahead of the one that reads it. A token that claims to be made, or to begin,
// later than that is refused. It gives no token a longer life.
const clockLeeway = 30 * time.Second

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
			jwt.WithIssuer(issuer), jwt.WithAudience(audience), jwt.WithTimeFunc(now), jwt.WithLeeway(clockLeeway),
			jwt.WithStrictDecoding())...)
	}
	return Signer{
		key: key, now: now,
		api:  strict(audienceAPI, jwt.WithExpirationRequired(), jwt.WithIssuedAt()),
		node: strict(audienceNode),
	}
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
	if s.over(claims.RegisteredClaims) {
		return access{}, jwt.ErrTokenExpired
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

// credential is what the token of a node's credential says.
type credential struct {
	ID   id.CredentialID
	Node id.NodeID
	Made time.Time // zero: it does not say
}

func (s Signer) readCredential(token string) (c credential, err error) {
	var claims jwt.RegisteredClaims
	if _, err := s.node.ParseWithClaims(token, &claims, s.public); err != nil {
		return c, err
	}
	if s.over(claims) {
		return c, jwt.ErrTokenExpired
	}
	if claims.IssuedAt != nil {
		c.Made = claims.IssuedAt.Time
	}
	if err := c.Node.UnmarshalText([]byte(claims.Subject)); err != nil {
		return c, err
	}
	return c, c.ID.UnmarshalText([]byte(claims.ID))
}

// over reports whether a token has ended. The parser gives it the leeway too,
// which is only meant for its beginning.
func (s Signer) over(c jwt.RegisteredClaims) bool {
	return c.ExpiresAt != nil && !s.now().Before(c.ExpiresAt.Time)
}

func (s Signer) sign(claims jwt.Claims) (string, error) {
	token, err := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims).SignedString(s.key)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return token, nil
}

func (s Signer) public(*jwt.Token) (any, error) { return s.key.Public(), nil }
