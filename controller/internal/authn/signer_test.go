package authn_test

import (
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/authn"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

// Every way that we know of to make a token that is not one.
func TestForgedAccessTokens(t *testing.T) {
	h := newHouse(t)
	signed := h.login()
	session := h.actor(signed.Access).SessionID
	_, stranger, _ := ed25519.GenerateKey(nil) // never fails
	honest := func(change func(jwt.MapClaims)) jwt.MapClaims {
		c := jwt.MapClaims{
			"iss": "lormas", "aud": "lormas-api", "sub": signed.User.ID.String(), "sid": session.String(),
			"iat": h.clock().Unix(), "exp": h.clock().Add(time.Minute).Unix(),
		}
		change(c)
		return c
	}
	set := func(claim string, v any) jwt.MapClaims { return honest(func(c jwt.MapClaims) { c[claim] = v }) }
	without := func(claim string) jwt.MapClaims { return honest(func(c jwt.MapClaims) { delete(c, claim) }) }
	public := []byte(h.key.Public().(ed25519.PublicKey))
	tests := map[string]struct {
		method jwt.SigningMethod
		key    any
		claims jwt.MapClaims
	}{
		"alg none":               {jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, set("x", 1)},
		"HMAC by the public key": {jwt.SigningMethodHS256, public, set("x", 1)},
		"another key":            {jwt.SigningMethodEdDSA, stranger, set("x", 1)},
		"expired":                {jwt.SigningMethodEdDSA, h.key, set("exp", h.clock().Add(-time.Second).Unix())},
		"without an end":         {jwt.SigningMethodEdDSA, h.key, without("exp")},
		"not valid yet":          {jwt.SigningMethodEdDSA, h.key, set("nbf", h.clock().Add(31*time.Second).Unix())},
		"made in the future":     {jwt.SigningMethodEdDSA, h.key, set("iat", h.clock().Add(31*time.Second).Unix())},
		"ends this moment":       {jwt.SigningMethodEdDSA, h.key, set("exp", h.clock().Unix())},
		"another audience":       {jwt.SigningMethodEdDSA, h.key, set("aud", "lormas-node")},
		"no audience":            {jwt.SigningMethodEdDSA, h.key, without("aud")},
		"another issuer":         {jwt.SigningMethodEdDSA, h.key, set("iss", "somebody")},
		"no issuer":              {jwt.SigningMethodEdDSA, h.key, without("iss")},
		"another user's session": {jwt.SigningMethodEdDSA, h.key, set("sub", uuid.NewString())},
		"no such session":        {jwt.SigningMethodEdDSA, h.key, set("sid", uuid.NewString())},
		"no session":             {jwt.SigningMethodEdDSA, h.key, without("sid")},
		"a subject that is none": {jwt.SigningMethodEdDSA, h.key, set("sub", "' or true --")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			token := must(jwt.NewWithClaims(tt.method, tt.claims).SignedString(tt.key))(t)
			_, err := h.Authenticate(t.Context(), authn.Origin{Address: home}, token)
			wantKind(t, err, fleet.Unauthenticated)
			_, err = h.AuthenticateMQTT(t.Context(), authn.Origin{Address: home}, signed.User.ID.String(), token)
			wantKind(t, err, fleet.Unauthenticated)
		})
	}
	for name, claims := range map[string]jwt.MapClaims{
		"nothing": set("x", 1), // so it was the one thing changed that was refused
		// the clocks of two controllers are never quite the same
		"made a little later": set("iat", h.clock().Add(30*time.Second).Unix()),
		"a little later":      set("nbf", h.clock().Add(30*time.Second).Unix()),
	} {
		t.Run(name, func(t *testing.T) {
			h.actor(must(jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims).SignedString(h.key))(t))
		})
	}
}

func TestNodeCredential(t *testing.T) {
	h := newHouse(t)
	node, credential := id.New[id.NodeID](), id.New[id.CredentialID]()
	h.exec(`insert into nodes (id, name) values ($1, 'edge')`, node)
	h.exec(`insert into node_credentials (id, node_id) values ($1, $2)`, credential, node)
	token := must(h.SignNodeCredential(fleet.Credential{ID: credential, NodeID: node}))(t)

	h.pass(10 * 365 * 24 * time.Hour) // it does not expire
	c := must(h.AuthenticateMQTT(t.Context(), authn.Origin{Address: home}, node.String(), token))(t)
	if c.Node != node || c.Credential != uuid.UUID(credential) || !c.Expires.IsZero() || c.Actor.Kind != "" {
		t.Errorf("connection = %+v", c)
	}
	_, err := h.Authenticate(t.Context(), authn.Origin{Address: home}, token)
	wantKind(t, err, fleet.Unauthenticated) // a node is no person
	for _, username := range []string{"", id.New[id.NodeID]().String(), "admin"} {
		_, err = h.AuthenticateMQTT(t.Context(), authn.Origin{Address: home}, username, token)
		wantKind(t, err, fleet.Unauthenticated)
	}
	for made, good := range map[time.Duration]bool{0: true, 30 * time.Second: true, time.Minute: false} {
		h.exec(`update node_credentials set created_at = $1`, h.clock().Add(-made))
		later := must(h.SignNodeCredential(fleet.Credential{ID: credential, NodeID: node, CreatedAt: h.clock()}))(t)
		_, err = h.AuthenticateMQTT(t.Context(), authn.Origin{Address: home}, node.String(), later)
		if (err == nil) != good {
			t.Errorf("a token from %s after the credential: %v", made, err)
		}
	}
	h.exec(`update node_credentials set revoked_at = now()`)
	_, err = h.AuthenticateMQTT(t.Context(), authn.Origin{Address: home}, node.String(), token)
	wantKind(t, err, fleet.Unauthenticated)
	h.exec(`update node_credentials set revoked_at = null`)
	h.exec(`update nodes set deleted_at = now()`)
	_, err = h.AuthenticateMQTT(t.Context(), authn.Origin{Address: home}, node.String(), token)
	wantKind(t, err, fleet.Unauthenticated)
}

func TestPersonOnMQTT(t *testing.T) {
	h := newHouse(t)
	signed := h.login()
	c := must(h.AuthenticateMQTT(t.Context(), authn.Origin{Address: home}, "anything", signed.Access))(t)
	if !c.Node.IsZero() || c.Actor.Name != email || !c.Expires.Equal(signed.AccessExpires) || c.Credential != uuid.UUID(c.Actor.SessionID) {
		t.Errorf("connection = %+v", c)
	}
	for _, password := range []string{"", password, "lormas_", "lormas_00"} {
		_, err := h.AuthenticateMQTT(t.Context(), authn.Origin{Address: home}, email, password)
		wantKind(t, err, fleet.Unauthenticated)
	}
}

func TestNobodyIsRefusedForGoodWhilePostgresIsAway(t *testing.T) {
	h := newHouse(t)
	signed := h.login()
	node := id.New[id.NodeID]()
	credential := must(h.SignNodeCredential(fleet.Credential{ID: id.New[id.CredentialID](), NodeID: node}))(t)
	h.store.Close()
	_, err := h.Authenticate(t.Context(), authn.Origin{Address: home}, signed.Access)
	wantKind(t, err, fleet.Unavailable)
	_, err = h.AuthenticateMQTT(t.Context(), authn.Origin{Address: home}, node.String(), credential)
	wantKind(t, err, fleet.Unavailable)
	_, err = h.refresh(signed.Refresh)
	wantKind(t, err, fleet.Unavailable)
	_, err = h.try(email, password, home)
	wantKind(t, err, fleet.Unavailable)
}
