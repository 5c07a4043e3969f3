package e2e

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lormas/lormas/shared/dockerd"
)

// Options says what to start.
type Options struct {
	Nodes     int             // how many; 1 to 100
	Bin       string          // the folder of the programs
	Images    []dockerd.Image // loaded into every node, besides those of the demo and the witness
	Cluster   *Cluster        // all nodes are in it; nil: they are in none
	CPU       float64         // what every node offers; 0: what the machine has
	Second    bool            // another controller stands by
	Mosquitto string          // configuration of a broker that agents connect to; "": the controller's own
	Log       io.Writer       // told what is being done; nil: nobody
}

// Programs are what Options.Bin has to hold.
var Programs = []string{"lormas", "lormas-agent", "lormas-demo", "lormas-witness"}

// Lab is a running installation. Its parts may be ended and started again by
// several goroutines at once.
type Lab struct {
	Name       string
	Controller *Part
	Second     *Part // another controller; nil: there is none
	Broker     *Part // mosquitto; nil: agents connect to the controller
	Postgres   *Part
	Redis      *Part
	Nodes      []*Node
	API        *API
	Events     *EventLog

	opt  Options
	dir  string
	lock *os.File
	logs *logs
}

// Root holds all labs of the machine, a directory each.
const root = "/tmp/lormas-lab"

// stopTimeout is what parts get to end in order when the lab closes.
const stopTimeout = 15 * time.Second

// Start builds a lab and returns when all its nodes are healthy. It first
// removes labs whose owner has died.
func Start(ctx context.Context, opt Options) (*Lab, error) {
	var err error
	if opt.Bin, err = filepath.Abs(opt.Bin); err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	if err := opt.check(); err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	lab, err := claimNew(ctx, opt)
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	if err := lab.start(ctx); err != nil {
		err = fmt.Errorf("lab: %w\n%s", err, lab.Report())
		return nil, errors.Join(err, lab.Close())
	}
	return lab, nil
}

// claiming keeps a lab that starts at the same time from taking one that has
// no owner yet for one that has none any more.
var claiming sync.Mutex

func claimNew(ctx context.Context, opt Options) (*Lab, error) {
	claiming.Lock()
	defer claiming.Unlock()
	if err := sweepAbandoned(ctx); err != nil {
		return nil, fmt.Errorf("remove an earlier lab: %w", err)
	}
	return newLab(opt)
}

func (o Options) check() error {
	if o.Nodes < 1 || o.Nodes > maxNodes {
		return fmt.Errorf("%d nodes wanted; it can have 1 to %d", o.Nodes, maxNodes)
	}
	if os.Geteuid() != 0 {
		return errors.New("network namespaces and Docker engines need root")
	}
	for _, name := range Programs {
		if _, err := os.Stat(filepath.Join(o.Bin, name)); err != nil {
			return fmt.Errorf("%w (make build makes the programs)", err)
		}
	}
	return nil
}

// newLab claims a directory and plans the parts; nothing runs yet.
func newLab(opt Options) (*Lab, error) {
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, err
	}
	name := randomName()
	dir := filepath.Join(root, name)
	// Postgres runs as another user and has to pass through.
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	if err := makeShared(dir); err != nil {
		return nil, err
	}
	lock, owned := own(dir)
	if !owned {
		return nil, fmt.Errorf("somebody else owns the new directory %s", dir)
	}
	logs, err := newLogs(filepath.Join(dir, "logs"))
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	lab := &Lab{Name: name, opt: opt, dir: dir, lock: lock, logs: logs}
	lab.API = newAPI(switchNamespace(name).dial)
	lab.Events = newEventLog(lab)
	lab.Postgres = lab.postgresPart()
	lab.Redis = lab.redisPart()
	lab.Controller = lab.controllerPart("controller", controllerIP)
	if opt.Second {
		lab.Second = lab.controllerPart("controller-2", secondIP)
	}
	if opt.Mosquitto != "" {
		lab.Broker = lab.brokerPart()
		if err := lab.makeBrokerDir(); err != nil {
			return nil, errors.Join(err, lock.Close())
		}
	}
	for i := 1; i <= opt.Nodes; i++ {
		lab.Nodes = append(lab.Nodes, lab.newNode(i))
	}
	return lab, nil
}

// randomName is short, because it becomes part of names of namespaces and of
// paths to sockets.
func randomName() string {
	raw := make([]byte, 3)
	_, _ = rand.Read(raw) // never fails: crypto/rand says so
	return hex.EncodeToString(raw)
}

// start brings everything up, the nodes side by side with the controller.
func (l *Lab) start(ctx context.Context) error {
	l.say("network")
	if err := l.makeNetwork(ctx); err != nil {
		return fmt.Errorf("make the network: %w", err)
	}
	l.say("controller and %d Docker engines", len(l.Nodes))
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error { return l.startController(groupCtx) })
	for _, node := range l.Nodes {
		group.Go(func() error { return node.startEngine(groupCtx) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if l.opt.Cluster != nil {
		if err := l.MakeCluster(ctx, l.opt.Cluster); err != nil {
			return fmt.Errorf("make cluster %s: %w", l.opt.Cluster.Name, err)
		}
	}
	l.say("agents")
	if err := l.joinAll(ctx); err != nil {
		return err
	}
	for _, node := range l.Nodes {
		if err := l.AwaitNode(ctx, node, "healthy"); err != nil {
			return err
		}
		if err := l.awaitGuard(ctx, node); err != nil {
			return err
		}
	}
	l.say("all %d nodes are healthy", len(l.Nodes))
	return nil
}

// joinAll makes the nodes known and starts their agents.
func (l *Lab) joinAll(ctx context.Context) error {
	for _, node := range l.Nodes {
		if err := node.enrol(ctx); err != nil {
			return fmt.Errorf("enrol node %d: %w", node.Number, err)
		}
	}
	if l.Broker != nil {
		if err := l.admit(ctx); err != nil {
			return fmt.Errorf("let the nodes in at the broker: %w", err)
		}
	}
	for _, node := range l.Nodes {
		if err := node.Agent.Start(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (l *Lab) makeNetwork(ctx context.Context) error {
	if err := makeSwitch(ctx, l.Name); err != nil {
		return err
	}
	for _, node := range l.Nodes {
		if err := makeNode(ctx, l.Name, node.Number); err != nil {
			return err
		}
	}
	return nil
}

// startController brings up the databases, the controllers, their broker and
// the two clients that watch them. The first controller makes the signing key.
func (l *Lab) startController(ctx context.Context) error {
	for _, part := range []*Part{l.Postgres, l.Redis, l.Controller} {
		if err := part.Start(ctx); err != nil {
			return err
		}
	}
	if l.Broker != nil {
		if err := l.openBroker(ctx); err != nil {
			return fmt.Errorf("open the broker: %w", err)
		}
	}
	if err := l.AwaitController(ctx); err != nil {
		return err
	}
	if err := l.API.Login(ctx, AdminEmail, AdminPassword); err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	if l.Second != nil {
		if err := l.Second.Start(ctx); err != nil {
			return err
		}
	}
	return l.Events.start(ctx)
}

// Close ends every part and removes all that the lab has made on the machine.
// Its logs go with it.
func (l *Lab) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	var errs []error
	for _, node := range l.Nodes {
		errs = append(errs, node.Agent.Kill(), node.KillGuard())
	}
	l.Events.stop()
	for _, part := range slices.Concat(l.Controllers(), l.ownBroker(), []*Part{l.Redis, l.Postgres}) {
		errs = append(errs, part.Resume(), part.Stop(ctx))
	}
	errs = append(errs, l.logs.close(), sweep(l.dir), l.lock.Close())
	return errors.Join(errs...)
}

// Parts lists all that can be ended and started.
func (l *Lab) Parts() []*Part {
	parts := slices.Concat(l.Controllers(), l.ownBroker(), []*Part{l.Postgres, l.Redis})
	for _, node := range l.Nodes {
		parts = append(parts, node.Agent, node.Docker)
	}
	return parts
}

func (l *Lab) say(format string, args ...any) {
	if l.opt.Log != nil {
		fmt.Fprintf(l.opt.Log, "lab %s: %s\n", l.Name, fmt.Sprintf(format, args...))
	}
}
