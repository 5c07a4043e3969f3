package app_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lormas/lormas/controller/internal/authn"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/mqttlink"
	"github.com/lormas/lormas/shared/wire"
)

// rest is the status that the API answers a bearer token with.
func (c *controller) rest(token string) int {
	c.t.Helper()
	request, err := http.NewRequestWithContext(c.t.Context(), "GET", "http://"+c.HTTPAddr()+"/api/v1/auth/me", nil)
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode
}

// knock comes to the broker once; nil: it let him in.
func (c *controller) knock(username, token string) error {
	c.t.Helper()
	ctx, leave := context.WithCancel(c.t.Context())
	defer leave()
	answers := make(chan error, 1)
	answered := func(err error) {
		select {
		case answers <- err:
		default: // the first one counts
		}
	}
	ended := make(chan error, 1)
	go func() {
		ended <- mqttlink.Run(ctx, mqttlink.Options{
			Servers: []string{"tcp://" + c.MQTTAddr()}, ClientID: username, Username: username,
			Credentials: func() string { return token },
			OnUp:        func(*mqttlink.Session) { answered(nil) }, OnDown: answered, OnMessage: func(mqttlink.Message) {},
		})
	}()
	defer func() { leave(); <-ended }()
	select {
	case err := <-answers:
		return err
	case <-time.After(patience):
		c.t.Fatal("the broker does not answer")
		return nil
	}
}

// claims are those of a token, and its header's.
type claims map[string]any

func (c claims) but(name string, v any) claims {
	c = maps.Clone(c)
	c[name] = v
	return c
}

func (c claims) without(name string) claims {
	c = maps.Clone(c)
	delete(c, name)
	return c
}

func part(v any) string {
	text, _ := json.Marshal(v) // texts and numbers
	return base64.RawURLEncoding.EncodeToString(text)
}

// token writes a token by hand, as no library would.
func token(header, body claims, sign func(text []byte) []byte) string {
	text := part(header) + "." + part(body)
	return text + "." + base64.RawURLEncoding.EncodeToString(sign([]byte(text)))
}

func unsigned([]byte) []byte { return nil }

func withKey(key ed25519.PrivateKey) func([]byte) []byte {
	return func(text []byte) []byte { return ed25519.Sign(key, text) }
}

func withSecret(h crypto.Hash, secret []byte) func([]byte) []byte {
	return func(text []byte) []byte {
		mac := hmac.New(h.New, secret)
		mac.Write(text)
		return mac.Sum(nil)
	}
}

// forgeries are all ways that we know of to make a token that is not one, of
// the claims of one that is. The other claims are good for the other door.
func forgeries(key ed25519.PrivateKey, honest, other claims) map[string]string {
	_, strange, _ := ed25519.GenerateKey(nil) // never fails
	public := key.Public().(ed25519.PublicKey)
	der, _ := x509.MarshalPKIXPublicKey(public) // never fails for this kind
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	alg := func(name string) claims { return claims{"typ": "JWT", "alg": name} }
	ours := func(body claims) string { return token(alg("EdDSA"), body, withKey(key)) }
	real := strings.Split(ours(honest), ".")
	stranger := base64.RawURLEncoding.EncodeToString(strange.Public().(ed25519.PublicKey))
	now := time.Now()
	out := map[string]string{
		"RS256 with the public key":         token(alg("RS256"), honest, withSecret(crypto.SHA256, public)),
		"RS256 with the public key in PEM":  token(alg("RS256"), honest, withSecret(crypto.SHA256, text)),
		"RS256 with our signature":          token(alg("RS256"), honest, withKey(key)),
		"ES256 with our signature":          token(alg("ES256"), honest, withKey(key)),
		"no alg":                            token(claims{"typ": "JWT"}, honest, withKey(key)),
		"EdDSA with a secret":               token(alg("EdDSA"), honest, withSecret(crypto.SHA512, public)),
		"EdDSA with nothing":                token(alg("EdDSA"), honest, unsigned),
		"another key":                       token(alg("EdDSA"), honest, withKey(strange)),
		"another key, which the header has": token(alg("EdDSA").but("jwk", claims{"kty": "OKP", "crv": "Ed25519", "x": stranger}), honest, withKey(strange)),
		"a key that the header points to":   token(alg("EdDSA").but("kid", "../../dev/null").but("jku", "http://127.0.0.1/"), honest, withKey(strange)),
		"expired":                           ours(honest.but("exp", now.Add(-time.Second).Unix())),
		"made in the future":                ours(honest.but("iat", now.Add(10*time.Minute).Unix())),
		"not valid yet":                     ours(honest.but("nbf", now.Add(10*time.Minute).Unix())),
		"another audience":                  ours(honest.but("aud", "lormas")),
		"the other audience":                ours(honest.but("aud", other["aud"])),
		"the other's claims":                ours(other.but("aud", honest["aud"])),
		"no audience":                       ours(honest.without("aud")),
		"another issuer":                    ours(honest.but("iss", "somebody")),
		"no issuer":                         ours(honest.without("iss")),
		"another subject":                   ours(honest.but("sub", id.New[id.UserID]().String())),
		"altered":                           real[0] + "." + part(honest.but("sub", other["sub"])) + "." + real[2],
		"an altered header":                 part(alg("EdDSA").but("kid", "1")) + "." + real[1] + "." + real[2],
		"without a signature":               real[0] + "." + real[1] + ".",
		"without the signature's place":     real[0] + "." + real[1],
		"its signature written otherwise":   real[0] + "." + real[1] + "." + otherwise(real[2]),
		"nothing":                           "..",
	}
	for _, name := range []string{"none", "None", "NONE", "nOnE", ""} {
		out["alg "+name] = token(alg(name), honest, unsigned)
		out["alg "+name+" with our signature"] = token(alg(name), honest, withKey(key))
	}
	for name, h := range map[string]crypto.Hash{"HS256": crypto.SHA256, "HS384": crypto.SHA384, "HS512": crypto.SHA512} {
		out[name+" with the public key"] = token(alg(name), honest, withSecret(h, public))
		out[name+" with the public key in PEM"] = token(alg(name), honest, withSecret(h, text))
		out[name+" with nothing"] = token(alg(name), honest, withSecret(h, nil))
	}
	return out
}

// otherwise is the same signature with bits set that base64 leaves unused.
func otherwise(signature string) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(letters, signature[len(signature)-1])
	return signature[:len(signature)-1] + string(letters[last^1])
}

// read is the claims of a token that is one.
func read(t *testing.T, token string) (c claims) {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A token opens the doors that it was made for and no other, and nothing that
// somebody else made of it opens any: over HTTP and over MQTT.
func TestForgedTokensOpenNoDoor(t *testing.T) {
	t.Parallel()
	c := newController(t)
	key, err := authn.LoadKey(filepath.Join(c.config.StateDir, "signing.key"))
	if err != nil {
		t.Fatal(err)
	}
	person := c.login()
	node, agent := c.enrol("edge-1")
	const open, shut = true, false
	doors := func(what, token string, rest, mqtt, asNode bool) {
		t.Helper()
		if got, want := c.rest(token), map[bool]int{open: 200, shut: 401}[rest]; got != want {
			t.Errorf("%s: the API answers %d, want %d", what, got, want)
		}
		for username, opens := range map[string]bool{"me": mqtt, node.String(): asNode} {
			err := c.knock(username, token)
			var fault *mqttlink.Fault
			if refused := errors.As(err, &fault) && fault.Cause == mqttlink.Refused; refused == opens || (err == nil) != opens {
				t.Errorf("%s: the broker answers %q: %v", what, username, err)
			}
		}
	}
	doors("a person's", person, open, open, open) // who may call himself as he likes, and is no node for it
	doors("a node's", agent, shut, shut, open)
	doors("a node's, for another broker", wire.BrokerPassword(agent), shut, shut, shut)
	for name, forged := range forgeries(key, read(t, person), read(t, agent)) {
		doors("a person's, "+name, forged, shut, shut, shut)
	}
	doors("a person's, without an end", token(claims{"alg": "EdDSA"}, read(t, person).without("exp"), withKey(key)), shut, shut, shut)
	for name, forged := range forgeries(key, read(t, agent), read(t, person)) {
		doors("a node's, "+name, forged, shut, shut, shut)
	}
	again := c.login()
	c.ask(person, "DELETE", "/auth/sessions/"+read(t, person)["sid"].(string), nil, nil)
	doors("a person's whose session has ended", person, shut, shut, shut)
	doors("the same person's of another session", again, open, open, open)
	c.ask(again, "POST", "/nodes/"+node.String()+"/credential/rotate", nil, nil)
	doors("a node's that was replaced", agent, shut, shut, shut)
}
