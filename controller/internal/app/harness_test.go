package app_test

import (
	"context"

	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lormas/lormas/controller/internal/actions"
	"github.com/lormas/lormas/controller/internal/app"
	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/config"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/seal"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/controller/internal/testkit"
	"github.com/lormas/lormas/shared/egg"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// patience is how long a test waits for what must come on a busy machine.
const patience = time.Minute

const password = "correct horse battery staple"

// eventually waits for a level.
func eventually(t testing.TB, what string, reached func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !reached(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not reached within %s: %s", patience, what)
		}
	}
}

var (
	system  = authz.System("test")
	discard = slog.New(slog.DiscardHandler)
)

// controller is a whole controller on ports of its own.
type controller struct {
	*app.Main
	t      testing.TB
	config config.Config
	db     *store.Store // the test's own view of the truth
	log    *buffer
	stop   func()
	killed atomic.Bool // what Run says then is no matter
}

// buffer keeps the log for the end of a test that failed.
type buffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func testConfig(t testing.TB) config.Config {
	t.Helper()
	c := config.Default()
	c.HTTPListen, c.MQTTListen = "127.0.0.1:0", "127.0.0.1:0"
	c.DatabaseURL, c.RedisURL = testkit.PostgresURL(t), testkit.Redis(t).URL
	c.StateDir, c.AdminPassword = t.TempDir(), password
	c.SecretKey = filepath.Join(t.TempDir(), "secret.key")
	return c
}

func newController(t testing.TB) *controller {
	t.Helper()
	return startController(t, testConfig(t))
}

func startController(t testing.TB, with config.Config) *controller {
	t.Helper()
	c := &controller{t: t, config: with, log: &buffer{}}
	c.start()
	t.Cleanup(func() {
		c.stop()
		c.db.Close()
		if t.Failed() {
			t.Logf("the controller's log:\n%s", c.log)
		}
	})
	return c
}

// start runs the controller, on the same ports when it ran before.
func (c *controller) start() {
	c.t.Helper()
	var err error
	log := slog.New(slog.NewTextHandler(c.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c.Main, err = app.New(context.Background(), c.config, app.Options{Version: "test", Log: log, Out: io.Discard})
	if err != nil {
		c.t.Fatal(err)
	}
	c.config.HTTPListen, c.config.MQTTListen = c.HTTPAddr(), c.MQTTAddr()
	if c.db == nil {
		if c.db, err = unlocked(c.config); err != nil {
			c.t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	c.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil && !c.killed.Load() {
				c.t.Errorf("the controller ended with: %v", err)
			}
		case <-time.After(patience):
			c.t.Error("the controller does not stop")
		}
	})
}

// unlocked is a store that reads secrets as the controller of a
// configuration does.
func unlocked(with config.Config) (*store.Store, error) {
	db, err := store.Open(context.Background(), with.DatabaseURL)
	if err != nil {
		return nil, err
	}
	ring, err := seal.Load(with.SecretKey)
	if err != nil {
		return nil, err
	}
	return db.Unlock(context.Background(), ring)
}

func (c *controller) restart() {
	c.t.Helper()
	c.stop()
	c.start()
}

// enrol makes a node and answers its id and its agent's token.
func (c *controller) enrol(name string) (id.NodeID, string) {
	c.t.Helper()
	e, err := c.Actions().CreateNode(context.Background(), system, actions.NewNode{Name: name})
	if err != nil {
		c.t.Fatal(err)
	}
	return e.Node.ID, e.Token
}

func (c *controller) egg() id.EggID {
	c.t.Helper()
	e, err := c.Actions().CreateEgg(context.Background(), system, actions.NewEgg{Egg: egg.Egg{
		Name: "web " + id.New[id.EggID]().String(), Images: []egg.Image{{Name: "demo", Image: "lormas/demo:1"}},
	}})
	if err != nil {
		c.t.Fatal(err)
	}
	return e.ID
}

func (c *controller) create(name string, on id.NodeID) actions.Created {
	c.t.Helper()
	made, err := c.Actions().CreateContainer(context.Background(), system, actions.NewContainer{
		Name: name, EggID: c.egg(), NodeID: &on, Type: fleet.Standard, Environment: map[string]string{},
		Resources: spec.Resources{CPU: 100, Memory: 16 * spec.MiB, Disk: 16 * spec.MiB},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return made
}

func (c *controller) node(n id.NodeID) fleet.Node {
	c.t.Helper()
	out, err := c.db.Node(context.Background(), n)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

func (c *controller) container(of id.ContainerID) fleet.Container {
	c.t.Helper()
	out, err := c.db.AnyContainer(context.Background(), of)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

func (c *controller) awaitState(n id.NodeID, want fleet.NodeState) {
	c.t.Helper()
	eventually(c.t, "the node is "+string(want), func() bool { return c.node(n).Health.State == want })
}

func (c *controller) awaitJob(j id.JobID, want fleet.JobState) fleet.Job {
	c.t.Helper()
	var got fleet.Job
	eventually(c.t, "the job has "+string(want), func() bool {
		var err error
		got, err = c.db.Job(context.Background(), j)
		return err == nil && got.State == want
	})
	return got
}

// metric reads one sample of /metrics, such as `x_total{type="a"}`; 0 where
// there is none.
func (c *controller) metric(name string) string {
	c.t.Helper()
	answer, err := http.Get("http://" + c.HTTPAddr() + "/metrics")
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		c.t.Fatalf("metrics: %s, %v", answer.Status, err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return "0"
}

// login is the superuser's access token.
func (c *controller) login() string {
	c.t.Helper()
	return c.signIn(c.config.AdminEmail, password)
}
