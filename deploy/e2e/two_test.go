package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Two controllers on one Postgres and one Redis: one works, the other stands
// by. Agents connect to the one that works, or both are clients of mosquitto.
// Most of these tests is waiting, so both labs do it at once.

func init() { labs.two = map[string]*sharedLab{"embedded": {}, "mosquitto": {}} }

// withTwo runs a test on a lab of each kind.
func withTwo(t *testing.T, test func(s scenario)) {
	for broker := range labs.two {
		t.Run(broker, func(t *testing.T) {
			t.Parallel()
			test(beginTwo(t, broker))
		})
	}
}

// beginTwo gives a test the lab of two controllers and three nodes whose
// agents connect to a broker.
func beginTwo(t *testing.T, broker string) scenario {
	t.Helper()
	s := ofLab(t, labs.two[broker], func() (Options, error) {
		opt := Options{Nodes: 3, Bin: bin, CPU: 16, Cluster: &Cluster{Name: "room", Profile: "lan"}, Second: true}
		if broker == "embedded" {
			return opt, nil
		}
		text, err := os.ReadFile("../mosquitto/mosquitto.conf")
		opt.Mosquitto = string(text)
		return opt, err
	})
	s.mendAtEnd()
	return s
}

// roles says which controller works.
func (s scenario) roles() (active, standby *Part) {
	s.Helper()
	active, standby = s.lab.Controller, s.lab.Second
	if s.lab.Ready(s.Context(), active) != nil {
		active, standby = standby, active
	}
	s.must(s.lab.Ready(s.Context(), active))
	s.standsBy(standby)
	return active, standby
}

// takesOver waits until a controller works, and turns to it.
func (s scenario) takesOver(controller *Part) {
	s.Helper()
	s.await(controller.Name+" to take over", func(ctx context.Context) (bool, string, error) {
		err := s.lab.Ready(ctx, controller)
		return err == nil, "", err
	})
	s.lab.API.turnTo(s.lab.apiAddress(controller))
}

// standsBy waits until a controller says that it stands by.
func (s scenario) standsBy(controller *Part) {
	s.Helper()
	s.await(controller.Name+" to stand by", func(ctx context.Context) (bool, string, error) {
		err := s.lab.Ready(ctx, controller)
		return StatusOf(err) == http.StatusServiceUnavailable && strings.Contains(err.Error(), "standing by"), fmt.Sprint(err), nil
	})
}

// runsAgain waits until an exclusive container runs on its node: it may have
// been fenced meanwhile, and only a controller that works lets it go on.
func (s scenario) runsAgain(p pair) {
	s.Helper()
	s.await(p.strict.Name+" to run again", func(context.Context) (bool, string, error) {
		runs, err := s.lab.Runs(p.strict.ID)
		return len(runs) > 0 && Alive(runs[len(runs)-1]), describe(runs), err
	})
	s.stays(p)
}

// A controller that is killed is followed by the other one, to which agents
// come by themselves. It gives up nobody who is there, and gives up the node
// that is lost then.
func TestTheStandbyTakesOver(t *testing.T) {
	withTwo(t, func(s scenario) {
		active, standby := s.roles()
		lost, calm := s.pair(s.lab.Nodes[0]), s.pair(s.lab.Nodes[1])
		s.must(active.Kill())
		killed := time.Now()
		s.takesOver(standby)
		s.Logf("taken over %s after the kill", time.Since(killed).Round(time.Millisecond))
		s.runsAgain(lost)
		s.runsAgain(calm)
		s.losesItsNode(lost, func() {})
		s.stays(calm)
		s.standsBy(active) // it was started again
	})
}

// losesItsNode cuts a node off, has something done, waits for its containers
// elsewhere and puts all in order: none ran twice, or longer than is told.
func (s scenario) losesItsNode(p pair, meanwhile func()) {
	s.Helper()
	s.must(s.node(p.strict.NodeID).CutLink(s.Context()))
	meanwhile()
	s.moved(p.strict)
	s.moved(p.loose)
	s.must(s.lab.Mend(s.Context()))
	s.history(p.strict, 1)
	s.checkOverlap(p.loose, s.history(p.loose, 1))
	s.neverTwice(p.strict)
}

// A controller that was frozen while another one took over wakes up in the
// belief that it works, that a node is lost, and that people wait for it: it
// writes nothing of it, and stands by.
func TestAFrozenControllerWritesNothingMore(t *testing.T) {
	withTwo(t, func(s scenario) {
		active, standby := s.roles()
		s.noteWrites()
		lost, calm := s.pair(s.lab.Nodes[2]), s.pair(s.lab.Nodes[1])
		s.must(active.Pause())
		s.takesOver(standby)
		before := s.writesOf(active)
		if before == "" {
			s.Fatalf("nothing is known of what %s has written", active.Name)
		}
		s.losesItsNode(lost, func() {
			waiting := s.knock(active, 32)
			s.must(active.Resume())
			s.refusesAll(waiting)
			s.standsBy(active)
		})
		if after := s.writesOf(active); after != before {
			s.Errorf("%s wrote after it was followed: by table, it had written\n%s\nand then\n%s", active.Name, before, after)
		}
		s.stays(calm)
	})
}

// knock sends a controller so many requests for an egg, and leaves it at that:
// they wait in its sockets.
func (s scenario) knock(controller *Part, requests int) []net.Conn {
	s.Helper()
	waiting := make([]net.Conn, requests)
	for i := range waiting {
		in := map[string]any{"name": fmt.Sprintf("late-%d", i), "images": []any{map[string]string{"name": "default", "image": WitnessImage}}}
		request, err := s.lab.API.client().request(s.Context(), http.MethodPost, "/eggs", in)
		s.must(err)
		waiting[i], err = switchNamespace(s.lab.Name).dial(s.Context(), "tcp", s.lab.apiAddress(controller))
		s.must(err)
		s.Cleanup(func() { _ = waiting[i].Close() })
		s.must(request.Write(waiting[i]))
	}
	return waiting
}

// refusesAll waits for the end of each request. None may have been granted;
// some find the door closed.
func (s scenario) refusesAll(waiting []net.Conn) {
	s.Helper()
	for _, conn := range waiting {
		s.must(conn.SetReadDeadline(time.Now().Add(patience)))
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			s.Error("a request is not answered")
		case err == nil && answer.StatusCode < http.StatusBadRequest:
			s.Errorf("a request that came too late is answered with %s", answer.Status)
		}
	}
}

// sql asks Postgres, one statement per transaction.
func (s scenario) sql(query string) string {
	s.Helper()
	psql := exec.CommandContext(s.Context(), "psql", s.lab.databaseURL("test"), "-qAt", "-v", "ON_ERROR_STOP=1", "-f", "-")
	psql.Stdin = strings.NewReader(query)
	out, err := psql.CombinedOutput()
	if err != nil {
		s.Fatalf("psql: %v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// noteWrites has Postgres note who writes into which table. What every start
// of a controller writes is left out: its row among controllers, and roles. So
// is who came to its broker: that is no decision, and true of whoever saw it.
// A trigger locks its table against the controllers that write meanwhile: each
// is its own transaction, as one that locks all tables would meet theirs in a
// deadlock.
func (s scenario) noteWrites() {
	s.Helper()
	s.sql(`
		create table if not exists lab_writes (who text, what text);
		create or replace function lab_note() returns trigger language plpgsql as $$
			declare what text := tg_table_name;
			begin
				if what = 'audit_log' then what := what || ' ' || (to_jsonb(coalesce(new, old))->>'verb'); end if;
				if what <> 'audit_log mqtt.connect' then insert into lab_writes values (current_setting('application_name'), what); end if;
				return null;
			end $$;
		select format('create or replace trigger lab_note after insert or update or delete on %I for each row execute function lab_note()', tablename)
			from pg_tables where schemaname = 'public'
			and tablename not in ('lab_writes', 'controllers', 'roles', 'role_permissions', 'goose_db_version') \gexec
		`)
}

// writesOf is what a controller has written, by table.
func (s scenario) writesOf(controller *Part) string {
	s.Helper()
	return s.sql(`select what, count(*) from lab_writes where who = '` + controller.Name + `' group by what order by what`)
}
