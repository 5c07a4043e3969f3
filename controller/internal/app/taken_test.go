package app_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/mqttlink"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// ask sends a request to the API and reads the answer into out, unless that
// is nil.
func (c *controller) ask(token, method, path string, in, out any) {
	c.t.Helper()
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			c.t.Fatal(err)
		}
	}
	request, err := http.NewRequestWithContext(c.t.Context(), method, "http://"+c.HTTPAddr()+"/api/v1"+path, &body)
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("X-Lormas-Client", "test")
	if in != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode >= http.StatusBadRequest {
		var problem map[string]any
		_ = json.NewDecoder(answer.Body).Decode(&problem)
		c.t.Fatalf("%s %s: %s: %v", method, path, answer.Status, problem)
	}
	if out == nil {
		return
	}
	if err := json.NewDecoder(answer.Body).Decode(out); err != nil {
		c.t.Fatal(err)
	}
}

// invite makes a user, who sets customersPassword with his link.
func (c *controller) invite(root, mail string) (user string) {
	c.t.Helper()
	var made struct {
		ID            string
		PasswordReset struct{ Link string }
	}
	c.ask(root, "POST", "/users", map[string]any{"email": mail}, &made)
	c.sets(made.PasswordReset.Link, customersPassword)
	return made.ID
}

// signIn is the access token of somebody.
func (c *controller) signIn(mail, password string) string {
	c.t.Helper()
	var signed struct{ AccessToken string }
	c.ask("", "POST", "/auth/login", map[string]any{"email": mail, "password": password}, &signed)
	if signed.AccessToken == "" {
		c.t.Fatalf("%s signs in and has no token", mail)
	}
	return signed.AccessToken
}

// customer is somebody who may see one container as long as nobody takes that
// from him, and another one in any case.
type customer struct {
	*controller
	agent        *agent
	root         string // the superuser's token
	user         string
	session      string // his access token
	apiToken     string // its secret
	apiTokenID   string
	role, parent string
	binding      string
	taken, left  fleet.Container
	seq          uint64
	rounds       int
}

const customersPassword = "seven horses under water"

func newCustomer(t *testing.T) *customer {
	t.Helper()
	k := &customer{controller: newController(t)}
	node, credential := k.enrol("edge-1")
	k.agent = newAgent(t, node, credential).join(k.controller)
	k.taken, k.left = k.create("taken", node).Container, k.create("left", node).Container
	k.root = k.login()
	const mail = "customer@lormas.test"
	k.user = k.invite(k.root, mail)
	k.parent = k.makes("/roles", map[string]any{"name": "Parent", "permissions": []string{"container.view", "container.stats"}})
	k.role = k.makes("/roles", map[string]any{"name": "Child", "parentId": k.parent})
	keeps := k.makes("/roles", map[string]any{"name": "Keeps", "permissions": []string{"container.view"}})
	k.binding = k.makes("/roles/bindings", k.bind(k.role, k.taken))
	k.makes("/roles/bindings", k.bind(keeps, k.left))
	k.session = k.signIn(mail, customersPassword)
	var token struct{ ID, Token string }
	k.ask(k.session, "POST", "/auth/tokens", map[string]any{"name": "grafana", "permissions": []string{"container.view"}}, &token)
	k.apiToken, k.apiTokenID = token.Token, token.ID
	return k
}

func (k *customer) bind(role string, on fleet.Container) map[string]any {
	return map[string]any{"userId": k.user, "roleId": role, "scope": "container", "scopeId": on.ID}
}

func (k *customer) makes(path string, in any) string {
	k.t.Helper()
	var made struct{ ID string }
	k.ask(k.root, "POST", path, in, &made)
	return made.ID
}

// round has the agent tell news of both containers, first of the one that is
// to be taken away. It answers what both have in common.
func (k *customer) round() (mark string) {
	k.rounds++
	mark = fmt.Sprintf("round %d", k.rounds)
	for _, c := range []fleet.Container{k.taken, k.left} {
		k.seq++
		e := state(k.seq, c, spec.Failed)
		e.Container.Reason = mark
		k.agent.events(e)
	}
	return mark
}

// heard reports whether there were news of a container in a round.
func (w *watcher) heard(of fleet.Container, mark string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	topic := wire.OfContainer(wire.ContainerState, of.ID).String()
	for _, m := range w.seen {
		if m.Topic == topic && strings.Contains(string(m.Payload), mark+`"`) {
			return true
		}
	}
	return false
}

// both waits for news of both containers.
func (k *customer) both(w *watcher) {
	k.t.Helper()
	mark := k.round()
	eventually(k.t, "he has news of both containers", func() bool { return w.heard(k.taken, mark) && w.heard(k.left, mark) })
}

// one waits until there are news of one container alone. They come in order:
// who hears of the second will not hear of the first any more.
func (k *customer) one(w *watcher) {
	k.t.Helper()
	eventually(k.t, "he has news of one container alone", func() bool {
		mark := k.round()
		eventually(k.t, "he has news of what is left to him", func() bool { return w.heard(k.left, mark) })
		return !w.heard(k.taken, mark)
	})
}

// What somebody may see over MQTT follows what is changed about him, while
// his connection stays.
func TestWhatIsTakenAwayIsNotHeardAnyMore(t *testing.T) {
	t.Parallel()
	ways := map[string]struct{ take, give func(k *customer) }{
		"binding": {
			func(k *customer) { k.ask(k.root, "DELETE", "/roles/bindings/"+k.binding, nil, nil) },
			func(k *customer) { k.binding = k.makes("/roles/bindings", k.bind(k.role, k.taken)) },
		},
		"permission of the parent role": {
			func(k *customer) { k.edits(k.parent, map[string]any{"permissions": []string{"container.stats"}}) },
			func(k *customer) {
				k.edits(k.parent, map[string]any{"permissions": []string{"container.view", "container.stats"}})
			},
		},
		"owner": {
			func(k *customer) {
				k.ask(k.root, "DELETE", "/roles/bindings/"+k.binding, nil, nil)
				k.ask(k.root, "POST", "/containers/"+k.taken.ID.String()+"/assign", map[string]any{}, nil)
			},
			func(k *customer) {
				k.ask(k.root, "POST", "/containers/"+k.taken.ID.String()+"/assign", map[string]any{"ownerId": k.user}, nil)
				k.both(watchAs(k.t, k.controller, k.session, "lormas/v1/containers/+/state"))
				k.binding = k.makes("/roles/bindings", k.bind(k.role, k.taken))
				k.ask(k.root, "POST", "/containers/"+k.taken.ID.String()+"/assign", map[string]any{}, nil)
			},
		},
		"parent role": {
			func(k *customer) { k.edits(k.role, map[string]any{"parentId": ""}) },
			func(k *customer) { k.edits(k.role, map[string]any{"parentId": k.parent}) },
		},
	}
	k := newCustomer(t)
	named := watchAs(t, k.controller, k.session,
		wire.OfContainer(wire.ContainerState, k.taken.ID).String(), wire.OfContainer(wire.ContainerState, k.left.ID).String())
	all := watchAs(t, k.controller, k.session, "lormas/v1/containers/+/state")
	for name, way := range ways {
		t.Logf("by its %s", name)
		k.both(all)
		way.take(k)
		k.one(named)
		k.one(all)
		way.give(k) // a filter without wildcards has ended, and has to be asked for again
		k.both(all)
		named = watchAs(t, k.controller, k.session,
			wire.OfContainer(wire.ContainerState, k.taken.ID).String(), wire.OfContainer(wire.ContainerState, k.left.ID).String())
	}
}

func (k *customer) edits(role string, in any) {
	k.t.Helper()
	k.ask(k.root, "PATCH", "/roles/"+role, in, nil)
}

// A credential that ends takes its live connections with it, and the streams
// that were opened with it.
func TestACredentialEndsWithItsConnections(t *testing.T) {
	t.Parallel()
	ways := map[string]struct {
		of  func(k *customer) (token string)
		end func(k *customer)
	}{
		"user disabled": {(*customer).bySession, func(k *customer) { k.ask(k.root, "POST", "/users/"+k.user+"/disable", nil, nil) }},
		"user deleted":  {(*customer).bySession, func(k *customer) { k.ask(k.root, "DELETE", "/users/"+k.user, nil, nil) }},
		"disabled, by a token": {(*customer).byToken, func(k *customer) {
			k.ask(k.root, "POST", "/users/"+k.user+"/disable", nil, nil)
		}},
		"token revoked":  {(*customer).byToken, func(k *customer) { k.ask(k.session, "DELETE", "/auth/tokens/"+k.apiTokenID, nil, nil) }},
		"session ended":  {(*customer).bySession, (*customer).endsSession},
		"password reset": {(*customer).bySession, func(k *customer) { k.resets() }},
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newCustomer(t)
			w := watchAs(t, k.controller, way.of(k), "lormas/v1/containers/+/state")
			k.both(w)
			way.end(k)
			eventually(t, "his connection ends", func() bool { return w.downs.Load() > 0 })
			eventually(t, "he is refused for good", func() bool {
				return len(k.trail(store.AuditFilter{Verb: "mqtt.connect", Outcome: fleet.OutcomeDenied})) > 0
			})
		})
	}
}

// A credential may end while its owner is being let in: after it was found
// good, and before anybody could be told that it is not any more.
func TestACredentialThatEndsAtTheDoor(t *testing.T) {
	t.Parallel()
	for name, token := range map[string]func(*customer) string{"session": (*customer).bySession, "token": (*customer).byToken} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newCustomer(t)
			disabled := false
			k.OnAdmission(func() {
				k.ask(k.root, "POST", "/users/"+k.user+"/disable", nil, nil)
				disabled = true
			})
			err := k.knock("me", token(k))
			var fault *mqttlink.Fault
			if !errors.As(err, &fault) || fault.Cause != mqttlink.Refused || !disabled {
				t.Errorf("disabled: %t; the broker answers: %v", disabled, err)
			}
			eventually(t, "nobody is remembered", func() bool { return !k.Remembers() })
		})
	}
}

func (k *customer) bySession() string { return k.session }
func (k *customer) byToken() string   { return k.apiToken }

// endsSession has him sign out where he is.
func (k *customer) endsSession() {
	k.t.Helper()
	var list struct{ Items []struct{ ID string } }
	k.ask(k.session, "GET", "/auth/sessions", nil, &list)
	for _, s := range list.Items {
		k.ask(k.session, "DELETE", "/auth/sessions/"+s.ID, nil, nil)
	}
}

// resets has him set another password by a link.
func (k *customer) resets() {
	k.t.Helper()
	var link struct{ Link string }
	k.ask(k.root, "POST", "/users/"+k.user+"/password-reset", nil, &link)
	k.sets(link.Link, "eight horses under water")
}

// sets uses a one-time link.
func (c *controller) sets(link, password string) {
	c.t.Helper()
	_, secret, _ := strings.Cut(link, "#token=")
	c.ask("", "POST", "/auth/password-reset", map[string]any{"token": secret, "newPassword": password}, nil)
}
