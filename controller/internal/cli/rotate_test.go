package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/cli"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/seal"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/controller/internal/testkit"
	"github.com/lormas/lormas/shared/egg"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// asCommand makes this very program the command line, for tests that kill it.
const asCommand = "LORMAS_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		os.Exit(cli.Run(context.Background(), os.Args[1:], cli.Standard()))
	}
	os.Exit(m.Run())
}

// moment is when a process is killed: at one of its commits, before Postgres
// has heard of it or before the process hears what came of it; or, with commit
// 0, when it says goodbye to Postgres.
type moment struct {
	commit int
	heard  bool
}

// wiretap stands between a process and Postgres.
type wiretap struct {
	net.Listener
	network, address string // of Postgres
	url              string // for the process

	mu      sync.Mutex
	commits int
	at      moment
	reached chan struct{}
}

func newWiretap(t *testing.T, url string) *wiretap {
	t.Helper()
	c, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	w := &wiretap{}
	w.network, w.address = pgNetwork(c)
	if w.Listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	w.url = fmt.Sprintf("postgres://%s:%s@%s/%s?sslmode=disable", c.User, c.Password, w.Addr(), c.Database)
	go func() {
		for {
			client, err := w.Accept()
			if err != nil {
				return // the test is over
			}
			go w.serve(client)
		}
	}()
	t.Cleanup(func() { _ = w.Close() })
	return w
}

func pgNetwork(c *pgx.ConnConfig) (network, address string) {
	if strings.HasPrefix(c.Host, "/") {
		return "unix", fmt.Sprintf("%s/.s.PGSQL.%d", c.Host, c.Port)
	}
	return "tcp", net.JoinHostPort(c.Host, fmt.Sprint(c.Port))
}

// arm sets the moment, and forgets what was counted.
func (w *wiretap) arm(at moment) (reached chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.commits, w.at, w.reached = 0, at, make(chan struct{})
	return w.reached
}

// say looks at what the process says: whether that, or its answer, must not
// get through.
func (w *wiretap) say(text []byte) (swallow, mute bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if bytes.HasPrefix(text, []byte("X\x00\x00\x00\x04")) && w.at == (moment{}) {
		w.fire()
		return true, false
	}
	if !bytes.HasPrefix(text, []byte("Q")) || !bytes.HasSuffix(bytes.ToLower(text), []byte("commit\x00")) {
		return false, false
	}
	w.commits++
	if w.commits != w.at.commit {
		return false, false
	}
	if !w.at.heard {
		w.fire()
	}
	return !w.at.heard, w.at.heard
}

func (w *wiretap) fire() {
	select {
	case <-w.reached:
	default:
		close(w.reached)
	}
}

func (w *wiretap) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial(w.network, w.address)
	if err != nil {
		return
	}
	defer server.Close()
	var mu sync.Mutex
	muted := false
	go func() {
		defer client.Close()
		buffer := make([]byte, 1<<20)
		for {
			n, err := server.Read(buffer)
			mu.Lock()
			silent := muted
			mu.Unlock()
			if silent && n > 0 {
				w.mu.Lock()
				w.fire()
				w.mu.Unlock()
				continue
			}
			if _, failed := client.Write(buffer[:n]); err != nil || failed != nil {
				return
			}
		}
	}()
	buffer := make([]byte, 1<<20)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return // killed, or done
		}
		swallow, mute := w.say(buffer[:n])
		if mute {
			mu.Lock()
			muted = true
			mu.Unlock()
		}
		if swallow {
			continue
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// secretHouse is a database with secrets, without a controller.
type secretHouse struct {
	t          *testing.T
	url, key   string
	sql        *pgx.Conn
	users      map[id.UserID]string // with the seeds of their second factors
	containers map[id.ContainerID]string
}

func (h *secretHouse) open() (*store.Store, *seal.Ring) {
	h.t.Helper()
	ring, err := seal.LoadOrCreate(h.key)
	if err != nil {
		h.t.Fatal(err)
	}
	locked, err := store.Open(h.t.Context(), h.url)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(locked.Close)
	db, err := locked.Unlock(h.t.Context(), ring)
	if err != nil {
		h.t.Fatal(err)
	}
	return db, ring
}

// newSecretHouse has more second factors than are sealed anew at once.
func newSecretHouse(t *testing.T) *secretHouse {
	t.Helper()
	h := &secretHouse{t: t, url: testkit.PostgresURL(t), key: filepath.Join(t.TempDir(), "secret.key"),
		users: map[id.UserID]string{}, containers: map[id.ContainerID]string{}}
	var err error
	if h.sql, err = pgx.Connect(t.Context(), h.url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.sql.Close(context.Background()) }) // its database goes with it
	db, _ := h.open()
	at := time.Now().UTC().Truncate(time.Microsecond)
	node := fleet.Node{ID: id.New[id.NodeID](), Name: "edge", Labels: map[string]string{}, CreatedAt: at}
	e := fleet.Egg{ID: id.New[id.EggID](), Generation: 1, CreatedAt: at, UpdatedAt: at,
		Egg: egg.Egg{Name: "web", Images: []egg.Image{{Name: "default", Image: "demo:1"}}}}
	err = db.InTx(t.Context(), func(tx *store.Tx) error {
		if err := tx.InsertNode(t.Context(), node); err != nil {
			return err
		}
		if err := tx.InsertEgg(t.Context(), e); err != nil {
			return err
		}
		for i := range 3 {
			c := fleet.Container{
				ID: id.New[id.ContainerID](), Name: fmt.Sprint("web-", i), EggID: e.ID, NodeID: node.ID, Epoch: 1, Generation: 1,
				Spec:  spec.Container{Name: fmt.Sprint("web-", i), Image: "demo:1", Resources: spec.Resources{CPU: 100, Memory: 16 * spec.MiB, Disk: 16 * spec.MiB}, Env: map[string]string{"DB_PASSWORD": fmt.Sprint("planted ", i)}},
				Power: spec.Running, Type: fleet.Standard, MigrationStatus: fleet.MigrationIdle, CreatedAt: at, UpdatedAt: at,
			}
			c.Spec.Hide([]string{"DB_PASSWORD"}, "salt")
			h.containers[c.ID] = c.Spec.Env["DB_PASSWORD"]
			if err := tx.InsertContainer(t.Context(), c); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	h.plantSeeds(db, 120)
	return h
}

func (h *secretHouse) plantSeeds(db *store.Store, n int) {
	h.t.Helper()
	for i := range n {
		user := id.New[id.UserID]()
		h.users[user] = fmt.Sprint("seed ", i)
		err := db.InTx(h.t.Context(), func(tx *store.Tx) error {
			sealed, err := tx.Seal(h.t.Context(), store.TOTPOf(user), h.users[user])
			if err != nil {
				return err
			}
			_, err = h.sql.Exec(h.t.Context(), `insert into users (id, email, password_hash, totp_secret, totp_since) values ($1, $2, '', $3, now())`,
				user, fmt.Sprint(i, "@lormas.test"), sealed)
			return err
		})
		if err != nil {
			h.t.Fatal(err)
		}
	}
}

// check reads every secret as a controller that starts now does. It answers
// how many are sealed with another key than the newest.
func (h *secretHouse) check(when string) (newest string, others, keys int) {
	h.t.Helper()
	db, ring := h.open()
	defer db.Close()
	rows, err := h.sql.Query(h.t.Context(), `select id, totp_secret from users`)
	if err != nil {
		h.t.Fatal(err)
	}
	type row struct {
		ID     id.UserID
		Sealed string
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	if err != nil || len(list) != len(h.users) {
		h.t.Fatalf("%s: %d users, %v", when, len(list), err)
	}
	for _, r := range list {
		plain, err := ring.Open(store.TOTPOf(r.ID), r.Sealed)
		if err != nil || plain != h.users[r.ID] {
			h.t.Errorf("%s: a seed is %q: %v", when, plain, err)
		}
		if seal.KeyOf(r.Sealed) != ring.Newest() {
			others++
		}
	}
	for c, want := range h.containers {
		got, err := db.AnyContainer(h.t.Context(), c)
		if err != nil || got.Spec.Env["DB_PASSWORD"] != want {
			h.t.Errorf("%s: a password is %q: %v", when, got.Spec.Env["DB_PASSWORD"], err)
		}
	}
	var old int
	err = h.sql.QueryRow(h.t.Context(), `
		select (select count(*) from containers where spec::text not like '%sealed:v1:' || $1 || '%' or spec::text ~ ('sealed:v1:(?!' || $1 || ')'))
		     + (select count(*) from secret_key where canary not like '%' || $1 || '%')`, ring.Newest()).Scan(&old)
	if err != nil {
		h.t.Fatal(err)
	}
	return ring.Newest(), others + old, len(ring.IDs())
}

// rotate begins the command as a process of its own.
func (h *secretHouse) rotate(url string) *exec.Cmd {
	h.t.Helper()
	c := exec.CommandContext(h.t.Context(), os.Args[0], "secrets", "rotate", "--database-url", url, "--secret-key", h.key)
	c.Env = append(os.Environ(), asCommand+"=1")
	return c
}

// A rotation that is killed, at whatever commit, loses nothing: controllers
// read all secrets in between, and the next one brings it to its end.
func TestAKilledRotationLosesNothing(t *testing.T) {
	h := newSecretHouse(t)
	tap := newWiretap(t, h.url)
	tap.arm(moment{commit: -1})
	if out, err := h.rotate(tap.url).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	commits := tap.commits
	if commits < 6 { // claim, new key, two batches of second factors, containers, and one that finds nothing
		t.Fatalf("only %d commits were seen", commits)
	}
	moments := []moment{{}}
	for n := range commits {
		moments = append(moments, moment{n + 1, false}, moment{n + 1, true})
	}
	unfinished := 0
	for _, at := range moments {
		when := fmt.Sprintf("killed at %+v", at)
		before, _, _ := h.check(when)
		unfinished += h.kill(tap, at, when)
		if out, err := h.rotate(h.url).CombinedOutput(); err != nil {
			t.Fatalf("%s, and again: %v: %s", when, err, out)
		}
		if after, others, keys := h.check(when + ", and again"); after == before || others != 0 || keys != 1 {
			t.Errorf("%s, and again: key %s after %s, %d secrets of other keys, %d keys in the ring", when, after, before, others, keys)
		}
	}
	if unfinished < 3 {
		t.Errorf("only %d of %d kills left something unfinished", unfinished, len(moments))
	}
}

// kill ends a rotation at a moment. It answers 1 where secrets are left that
// another key has sealed than the newest.
func (h *secretHouse) kill(tap *wiretap, at moment, when string) int {
	h.t.Helper()
	reached := tap.arm(at)
	c := h.rotate(tap.url)
	if err := c.Start(); err != nil {
		h.t.Fatal(err)
	}
	select {
	case <-reached:
	case <-time.After(time.Minute):
		h.t.Errorf("%s: it does not come to that", when)
	}
	if err := c.Process.Kill(); err != nil {
		h.t.Error(err)
	}
	// When it says goodbye to the database it is all but over.
	if err := c.Wait(); err == nil && at != (moment{}) {
		h.t.Errorf("%s: it came to its end all the same", when)
	}
	if _, others, _ := h.check(when); others > 0 {
		return 1
	}
	return 0
}
