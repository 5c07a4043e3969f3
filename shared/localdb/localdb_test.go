package localdb_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lormas/lormas/shared/localdb"
)

// asParent makes this test binary start both servers below the directory that
// it names, print their pids and wait to be killed.
const asParent = "LORMAS_LOCALDB_TEST_PARENT"

func TestMain(m *testing.M) {
	if dir := os.Getenv(asParent); dir != "" {
		if err := playParent(dir); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		select {}
	}
	os.Exit(m.Run())
}

func playParent(dir string) error {
	postgres, err := localdb.StartPostgres(context.Background(), localdb.PostgresOptions{Dir: filepath.Join(dir, "pg")})
	if err != nil {
		return err
	}
	redis, err := localdb.StartRedis(context.Background(), localdb.RedisOptions{Dir: filepath.Join(dir, "redis")})
	if err != nil {
		return err
	}
	fmt.Println(postgres.Pid(), redis.Pid())
	return nil
}

// tempDir is short enough for sockets and open to the servers' user, which
// t.TempDir promises neither of.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "localdb")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func startPostgres(t *testing.T, dir string) *localdb.Postgres {
	t.Helper()
	p, err := localdb.StartPostgres(t.Context(), localdb.PostgresOptions{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Kill() })
	return p
}

func startRedis(t *testing.T, dir string) *localdb.Redis {
	t.Helper()
	r, err := localdb.StartRedis(t.Context(), localdb.RedisOptions{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Kill() })
	return r
}

func query(t *testing.T, p *localdb.Postgres, sql string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "psql", p.URL(), "-AtXqc", sql).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", sql, err, out)
	}
	return strings.TrimSpace(string(out))
}

func ask(t *testing.T, r *localdb.Redis, command string) string {
	t.Helper()
	address, err := url.Parse(r.URL())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("unix", address.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "%s\r\n", command); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

func TestPostgresKeepsItsDataOverStopAndKill(t *testing.T) {
	dir := tempDir(t)
	p := startPostgres(t, dir)
	query(t, p, "create table kept (n int); insert into kept values (1)")
	if err := p.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}

	p = startPostgres(t, dir)
	query(t, p, "insert into kept values (2)")
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}

	p = startPostgres(t, dir)
	if got := query(t, p, "select sum(n) from kept"); got != "3" {
		t.Errorf("the sum of what was kept is %s, want 3", got)
	}
}

func TestPostgresSpeaksOfTheLongSteps(t *testing.T) {
	dir := tempDir(t)
	var steps []string
	opt := localdb.PostgresOptions{Dir: dir, Progress: func(step string) { steps = append(steps, step) }}
	for range 2 {
		p, err := localdb.StartPostgres(t.Context(), opt)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(steps) != 1 {
		t.Errorf("steps %q, want one: the second start makes nothing anew", steps)
	}
}

func TestRedisStartsAgainEmpty(t *testing.T) {
	dir := tempDir(t)
	r := startRedis(t, dir)
	if got := ask(t, r, "SET k v"); got != "+OK" {
		t.Fatal(got)
	}
	if err := r.Kill(); err != nil {
		t.Fatal(err)
	}
	r = startRedis(t, dir)
	if got := ask(t, r, "DBSIZE"); got != ":0" {
		t.Errorf("got %s keys, want 0", got)
	}
	if err := r.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestASecondStartInTheSameDirectoryIsRefused(t *testing.T) {
	dir := tempDir(t)
	startRedis(t, dir+"/redis")
	startPostgres(t, dir+"/pg")

	_, redisErr := localdb.StartRedis(t.Context(), localdb.RedisOptions{Dir: dir + "/redis"})
	_, postgresErr := localdb.StartPostgres(t.Context(), localdb.PostgresOptions{Dir: dir + "/pg"})
	for _, err := range []error{redisErr, postgresErr} {
		if !errors.Is(err, localdb.ErrInUse) || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
			t.Errorf("got %v, want one that names process %d", err, os.Getpid())
		}
	}
}

func TestAKilledParentLeavesNoServersAndCanStartAgain(t *testing.T) {
	dir := tempDir(t)
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), asParent+"="+dir)
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var postgres, redis int
	if _, err := fmt.Fscan(out, &postgres, &redis); err != nil {
		t.Fatal(err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // it was killed; that is the point

	// At once: the servers may still be stopping, and must be waited for.
	startPostgres(t, dir+"/pg")
	startRedis(t, dir+"/redis")
	for _, pid := range []int{postgres, redis} {
		if alive(pid) {
			t.Errorf("process %d outlived its parent", pid)
		}
	}
}

func alive(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(text), ") ")
	return !strings.HasPrefix(state, "Z")
}

func TestAServerThatSomebodyLeftIsEnded(t *testing.T) {
	dir := tempDir(t)
	p := startPostgres(t, dir)
	// Frozen, it cannot act on the signal of the kernel: the worst case.
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	startPostgres(t, dir)
}

func TestStartSaysWhyItCannot(t *testing.T) {
	deep := filepath.Join(tempDir(t), strings.Repeat("x", 100))
	for name, c := range map[string]struct{ dir, want string }{
		"relative path":      {"state", "must be absolute"},
		"path too long":      {deep, "too long for a unix socket"},
		"file in the way":    {fileIn(t), "not a directory"},
		"directory of a kin": {closedDir(t), "cannot pass through"},
	} {
		t.Run(name, func(t *testing.T) {
			if strings.HasPrefix(c.want, "cannot pass") && os.Geteuid() != 0 {
				c.want = "permission denied"
			}
			_, postgresErr := localdb.StartPostgres(t.Context(), localdb.PostgresOptions{Dir: c.dir})
			_, redisErr := localdb.StartRedis(t.Context(), localdb.RedisOptions{Dir: c.dir})
			for _, err := range []error{postgresErr, redisErr} {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v, want an error with %q", err, c.want)
				}
			}
		})
	}
}

func fileIn(t *testing.T) string {
	t.Helper()
	path := filepath.Join(tempDir(t), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// closedDir is a place below a directory that only its owner may enter.
func closedDir(t *testing.T) string {
	t.Helper()
	parent := filepath.Join(tempDir(t), "private")
	if err := os.Mkdir(parent, 0o700); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(parent, "db")
}

func TestAFullDiskIsRecognisable(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("mounting a small disk needs root; make test runs as root in CI")
		return
	}
	dir := filepath.Join(tempDir(t), "small")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=8m,mode=755"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	_, err := localdb.StartPostgres(t.Context(), localdb.PostgresOptions{Dir: filepath.Join(dir, "pg")})
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v, want ENOSPC", err)
	}
}

func TestStartObeysItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if p, err := localdb.StartPostgres(ctx, localdb.PostgresOptions{Dir: tempDir(t)}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, %v", p, err)
	}
}
