package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lormas/lormas/deploy/e2e/crowd"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// The fleet that the wall shows.
const (
	wallNodes      = 1_000
	wallContainers = 10_000
)

// The wall is the dashboard of a large fleet that is open all day. It is
// watched for wallWatch; the fleet lives wallHaste times as fast meanwhile,
// so that ten minutes of its life pass. LORMAS_WALL=10m takes its time.
const (
	wallWatch = 2 * time.Minute
	wallHaste = 5
)

func TestAWallShowsALargeFleet(t *testing.T) {
	lab, err := Start(t.Context(), Options{Nodes: 1, Bin: bin})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lab.Close(); err != nil {
			t.Error(err)
		}
	})
	s := scenario{t, lab, &sharedLab{lab: lab}}
	watch, haste := wallWatch, wallHaste
	if asked := os.Getenv("LORMAS_WALL"); asked != "" {
		watch, err = time.ParseDuration(asked)
		s.must(err)
		haste = 1
	}
	all := s.enrolMany(wallNodes)
	s.populate(wallContainers)
	ctx, cancel := context.WithCancel(t.Context())
	began := time.Now()
	people, err := crowd.Join(ctx, crowd.Options{
		Server: "mqtt://" + MQTTAddress,
		Dial: func(ctx context.Context) (net.Conn, error) {
			return switchNamespace(lab.Name).dial(ctx, "tcp", MQTTAddress)
		},
		Beat: 10 * time.Second,
		News: 100 * time.Millisecond,
	}, all)
	s.must(err)
	s.Logf("%d nodes joined in %s", len(all), time.Since(began).Round(time.Millisecond))
	var living errgroup.Group
	living.Go(func() error { people.Live(ctx); return nil })
	t.Cleanup(func() {
		cancel()
		if err := people.Wait(); err != nil {
			t.Error(err)
		}
		_ = living.Wait() // it ends with the nodes
	})
	s.shared.crowd = people
	s.longJourney(2*journeyLimit+2*watch, "wall", "EMAIL="+AdminEmail, "PASSWORD="+AdminPassword, fmt.Sprintf("CONTAINERS=%d", wallContainers+1), fmt.Sprintf("NODES=%d", wallNodes+1),
		fmt.Sprintf("WATCH_MS=%d", watch.Milliseconds()), fmt.Sprintf("HASTE=%d", haste))
}

// enrolMany makes nodes that wait for their agents.
func (s scenario) enrolMany(n int) []crowd.Credential {
	s.Helper()
	all := make([]crowd.Credential, n)
	var making errgroup.Group
	making.SetLimit(4)
	for i := range all {
		making.Go(func() error {
			var made struct {
				ID    id.NodeID
				Token string
			}
			err := s.lab.API.Call(s.Context(), http.MethodPost, "/nodes", map[string]string{"name": fmt.Sprintf("shop-%d", i+1)}, &made)
			all[i] = crowd.Credential{ID: made.ID, Token: made.Token}
			return err
		})
	}
	s.must(making.Wait())
	return all
}

// populate gives the nodes of the crowd equally many containers: copies of
// one that was made by the controller, as ten thousand times the same takes
// long and shows nothing more.
func (s scenario) populate(n int) {
	s.Helper()
	made := s.create("web-0", s.egg("wall", DemoImage, nil), nil, nil)
	s.awaitJob(made.Job, "succeeded")
	s.sql(fmt.Sprintf(`
		with places as (select id, row_number() over (order by created_at) - 1 as nth, count(*) over () as many from nodes where name like 'shop-%%')
		insert into containers select (jsonb_populate_record(c, jsonb_build_object(
			'id', gen_random_uuid(), 'name', 'web-' || n, 'node_id', places.id, 'observed', null, 'observed_at', null))).*
			from containers c, generate_series(1, %d) n join places on places.nth = n %% places.many where c.id = '%s';
		update node_health set rev = rev + 1 where node_id in (select id from nodes where name like 'shop-%%');
		analyze;`, n, made.Container.ID))
}

// say has the crowd report a phase of a container, which is found by its name.
func (s scenario) say(ctx context.Context, name, phase string, reason []string) error {
	var found struct{ Items []struct{ ID id.ContainerID } }
	if err := s.lab.API.Call(ctx, http.MethodGet, "/containers?sort=name&limit=1&q="+name, nil, &found); err != nil {
		return err
	}
	if len(found.Items) == 0 {
		return fmt.Errorf("no container is called %s", name)
	}
	return s.shared.crowd.Say(found.Items[0].ID, spec.Phase(phase), strings.Join(reason, " "))
}
