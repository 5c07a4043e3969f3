package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lormas/lormas/shared/dockerd"
)

// Journeys are people's ways through the dashboard, in a real browser: the
// stories of frontend/journeys, played against a lab of their own. What each
// saw is kept as pictures under artifacts/journeys.

const (
	givenPassword = "given with the account, 1 time" // of an account that a test makes
	journeyLimit  = 10 * time.Minute
)

// stage is the lab that journeys are played on. It gives nodes up quickly.
func stage(t *testing.T) scenario {
	t.Helper()
	return ofLab(t, &labs.journeys, func() (Options, error) {
		flood, err := dockerd.Busybox(FloodImage)
		flood.Config.Entrypoint = []string{"/bin/sh", "-c", floodingShell}
		return Options{Nodes: 3, Bin: bin, Images: []dockerd.Image{flood}, Cluster: &Cluster{Name: "room", Profile: "lan"}}, err
	})
}

func TestTheFirstDay(t *testing.T) {
	s := stage(t)
	s.blank(s.lab.Nodes[2])
	email := s.person("first", "Superuser")
	s.journey("first-day", "EMAIL="+email, "PASSWORD="+givenPassword, "IMAGE="+DemoImage)
}

func TestALostNodeIsWatched(t *testing.T) {
	s := stage(t)
	made := s.create("watched", s.egg("watched", DemoImage, nil), s.lab.Nodes[0], map[string]any{"type": "ha", "ha_policy": "available"})
	s.awaitPhase(made.Container, "running")
	s.journey("lost-node", "EMAIL="+AdminEmail, "PASSWORD="+AdminPassword, "CONTAINER="+made.Container.ID)
}

// FloodImage runs floodingShell.
const FloodImage = "lormas/flood:1"

// floodingShell answers in green to what is typed; "flood" makes it say 2 MB.
const floodingShell = `printf '\033[32mready, %s\033[0m\n' "$GREETING"
while read -r line; do
  case $line in
  flood*)
    yes "a line of the flood, as long as lines are in a log that people read at all" | head -n 28000
    echo "the $line is over" ;;
  *) echo "did $line" ;;
  esac
done`

func TestACustomersView(t *testing.T) {
	s := stage(t)
	egg := s.egg("floods", FloodImage, map[string]any{"variables": []any{
		map[string]any{"name": "Greeting", "env": "GREETING", "default": "hi", "user_viewable": true, "user_editable": true},
	}})
	mine, other := s.create("mine", egg, s.lab.Nodes[1], nil), s.create("not-mine", egg, s.lab.Nodes[1], nil)
	email, id := s.user("customer")
	s.call(http.MethodPost, "/containers/"+mine.Container.ID+"/assign", map[string]string{"ownerId": id}, nil)
	s.awaitPhase(mine.Container, "running")
	s.journey("customer", "EMAIL="+email, "PASSWORD="+givenPassword, "OTHER="+other.Container.ID)
}

func TestPeopleAreLetIn(t *testing.T) {
	s := stage(t)
	s.journey("people", "EMAIL="+AdminEmail, "PASSWORD="+AdminPassword)
}

func TestClustersAreArranged(t *testing.T) {
	s := stage(t)
	s.journey("clusters", "EMAIL="+AdminEmail, "PASSWORD="+AdminPassword)
}

func TestEveryPageIsForEverybody(t *testing.T) {
	s := stage(t)
	egg := s.egg("seen", DemoImage, nil)
	made := s.create("seen", egg, s.lab.Nodes[0], nil)
	s.awaitPhase(made.Container, "running")
	s.journey("every-page", "EMAIL="+AdminEmail, "PASSWORD="+AdminPassword, "EGG="+egg)
}

func TestThingsAreChanged(t *testing.T) {
	s := stage(t)
	egg := s.egg("in-use", DemoImage, nil)
	made := s.create("changed", egg, s.lab.Nodes[1], nil)
	s.awaitJob(made.Job, "succeeded")
	var spare struct{ ID string }
	s.call(http.MethodPost, "/nodes", map[string]string{"name": "spare"}, &spare)
	heir, _ := s.user("heir")
	s.journey("change", "EMAIL="+AdminEmail, "PASSWORD="+AdminPassword, "CONTAINER="+made.Container.ID, "EGG="+egg, "NODE="+spare.ID, "NEW_OWNER="+heir)
}

func TestABadDay(t *testing.T) {
	s := stage(t)
	made := s.create("stuck", s.egg("stuck", DemoImage, nil), s.lab.Nodes[1], nil)
	s.awaitPhase(made.Container, "running")
	defer s.keepFree(made.Container.NodeID)()
	s.journey("bad-day", "EMAIL="+AdminEmail, "PASSWORD="+AdminPassword, "CONTAINER="+made.Container.ID)
}

// keepFree cordons all nodes but one until what it returns is called, so that
// a move away from that one waits.
func (s scenario) keepFree(but string) (uncordon func()) {
	s.Helper()
	var nodes struct{ Items []struct{ ID string } }
	s.call(http.MethodGet, "/nodes", nil, &nodes)
	each := func(verb string, body any) {
		for _, n := range nodes.Items {
			if n.ID != but {
				s.call(http.MethodPost, "/nodes/"+n.ID+"/"+verb, body, nil)
			}
		}
	}
	each("cordon", map[string]string{"reason": "kept free"})
	return func() { each("uncordon", nil) }
}

func TestASecondFactor(t *testing.T) {
	s := stage(t)
	s.journey("second-factor", "EMAIL="+s.person("careful", "Viewer"), "PASSWORD="+givenPassword)
}

// user makes an account that may do nothing, and has to change its password
// first.
func (s scenario) user(name string) (email, id string) {
	s.Helper()
	email = name + "@lormas.local"
	var user struct{ ID string }
	s.call(http.MethodPost, "/users", map[string]string{"email": email, "name": name, "password": givenPassword}, &user)
	return email, user.ID
}

// person makes an account with a role everywhere, and returns its address.
func (s scenario) person(name, role string) string {
	s.Helper()
	email, id := s.user(name)
	var roles struct{ Items []struct{ ID, Name string } }
	s.call(http.MethodGet, "/roles", nil, &roles)
	for _, r := range roles.Items {
		if r.Name == role {
			s.call(http.MethodPost, "/roles/bindings", map[string]any{"userId": id, "roleId": r.ID, "scope": "global"}, nil)
			return email
		}
	}
	s.Fatalf("there is no role %s among %+v", role, roles.Items)
	return ""
}

// blank makes a node a machine that has never heard of Lormas.
func (s scenario) blank(n *Node) {
	s.Helper()
	s.must(n.Agent.Stop(s.Context()))
	s.must(n.KillGuard())
	s.must(os.RemoveAll(filepath.Join(n.dir, "agent")))
	s.call(http.MethodDelete, "/nodes/"+n.ID, nil, nil)
}

// journey plays a story to its end.
func (s scenario) journey(name string, env ...string) {
	s.Helper()
	s.longJourney(journeyLimit, name, env...)
}

func (s scenario) longJourney(limit time.Duration, name string, env ...string) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), limit)
	defer cancel()
	address, err := s.lab.Forward(ctx, "127.0.0.1:0", APIAddress)
	s.must(err)
	pictures, err := filepath.Abs("../../artifacts/journeys")
	s.must(err)
	cmd := exec.CommandContext(ctx, "node", filepath.Join("..", "..", "frontend", "journeys", name+".mjs"), "http://"+address)
	cmd.Env = append(append(os.Environ(), "LORMAS_PICTURES="+pictures), env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // it ends its browser
	cmd.WaitDelay = stopTimeout
	said, saying := io.Pipe()
	cmd.Stdout, cmd.Stderr = saying, saying
	answers, err := cmd.StdinPipe()
	s.must(err)
	s.must(cmd.Start())
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		s.obey(ctx, said, answers)
	}()
	err = cmd.Wait()
	s.must(saying.Close())
	<-heard
	if err != nil {
		s.Errorf("the journey %s: %v; its pictures are in %s", name, err, pictures)
	}
}

// obey does to the lab what a story asks for, and logs what else it says.
func (s scenario) obey(ctx context.Context, said io.Reader, answers io.Writer) {
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		command, asked := strings.CutPrefix(lines.Text(), "@lab ")
		if !asked {
			s.Log(lines.Text())
			continue
		}
		answer := "ok"
		if err := s.command(ctx, strings.Fields(command)); err != nil {
			answer = err.Error()
		}
		fmt.Fprintln(answers, answer)
	}
}

// command is one thing done to the lab.
func (s scenario) command(ctx context.Context, words []string) error {
	switch words[0] {
	case "stop-controller":
		return s.lab.Controller.Stop(ctx)
	case "start-controller":
		return s.lab.Controller.Start(ctx)
	case "sign-out":
		return s.signOut(ctx, words[1])
	case "flood":
		return s.flood(ctx, words[1])
	case "hurry":
		times, err := strconv.Atoi(words[1])
		if err != nil {
			return err
		}
		return s.shared.crowd.Hurry(ctx, times)
	case "say":
		return s.say(ctx, words[1], words[2], words[3:])
	}
	number, err := strconv.Atoi(words[1])
	if err != nil {
		return err
	}
	node := s.lab.Nodes[number-1]
	switch words[0] {
	case "cut":
		return node.CutLink(ctx)
	case "heal":
		return node.HealLink(ctx)
	case "join":
		return node.join(ctx, words[2])
	}
	return fmt.Errorf("no journey asks for %s", words[0])
}

// signOut ends all sessions of a person.
func (s scenario) signOut(ctx context.Context, email string) error {
	var users struct{ Items []struct{ ID string } }
	if err := s.lab.API.Call(ctx, http.MethodGet, "/users?q="+url.QueryEscape(email), nil, &users); err != nil {
		return err
	}
	if len(users.Items) != 1 {
		return fmt.Errorf("%d people are called %s", len(users.Items), email)
	}
	return s.lab.API.Call(ctx, http.MethodDelete, "/users/"+users.Items[0].ID+"/sessions", nil, nil)
}

// flood has a container of FloodImage say 2 MB, and waits until it is over.
func (s scenario) flood(ctx context.Context, container string) error {
	path := "/containers/" + container
	if err := s.lab.API.Call(ctx, http.MethodPost, path+"/command", map[string]string{"command": "flood of the lab"}, nil); err != nil {
		return err
	}
	return Await(ctx, "the flood to be over", func(ctx context.Context) (bool, string, error) {
		text, err := s.lab.API.Text(ctx, path+"/logs?tail=1")
		return strings.Contains(text, "the flood of the lab is over"), text, err
	})
}

// join runs the agent on a blank node with a new credential.
func (n *Node) join(ctx context.Context, token string) error {
	if err := os.WriteFile(n.credentialFile(), []byte(token+"\n"), 0o600); err != nil {
		return err
	}
	return n.Agent.Start(ctx)
}
