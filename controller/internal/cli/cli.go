package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/willabides/kongplete"

	"github.com/lormas/lormas/controller/internal/config"
	"github.com/lormas/lormas/controller/internal/dev"
)

// Streams are what a command talks to.
type Streams struct {
	In  *os.File // asked for passwords where it is a terminal
	Out io.Writer
	Err *os.File
}

// Standard are the streams of the process.
func Standard() Streams { return Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr} }

// commands is the command line.
type commands struct {
	Serve   serveCommand   `cmd:"" help:"Run the controller."`
	Dev     dev.Command    `cmd:"" help:"Run everything on this machine, with a demo: for looking at Lormas and for working on it."`
	Migrate migrateCommand `cmd:"" help:"Bring the database's schema up to date."`
	Seed    seedCommand    `cmd:"" help:"Make the first superuser, where there is none."`
	Login   loginCommand   `cmd:"" help:"Sign in at a controller, and stay signed in."`
	Logout  logoutCommand  `cmd:"" help:"End what lormas login began."`
	Whoami  whoamiCommand  `cmd:"" help:"Show who you are and what you may do."`
	Can     canCommand     `cmd:"" help:"Say whether somebody may do a thing, and why."`

	Node      nodeCommands      `cmd:"" help:"Work with nodes."`
	Cluster   clusterCommands   `cmd:"" help:"Work with clusters."`
	Egg       eggCommands       `cmd:"" help:"Work with eggs."`
	Container containerCommands `cmd:"" help:"Work with containers."`
	User      userCommands      `cmd:"" help:"Work with users."`
	Role      roleCommands      `cmd:"" help:"Work with roles, and with who has them."`
	Token     tokenCommands     `cmd:"" help:"Work with your own API tokens."`
	Account   accountCommands   `cmd:"" help:"Work with your own account."`
	Job       jobCommands       `cmd:"" help:"Look at jobs."`
	Audit     auditCommands     `cmd:"" help:"Read the audit trail."`
	Fleet     fleetCommands     `cmd:"" help:"Hold and release failovers."`

	Broker struct {
		Passwords brokerPasswordsCommand `cmd:"" help:"Write who may come to mosquitto or NATS, out of the nodes in the database."`
	} `cmd:"" help:"Work with an MQTT broker that is not the controller's own."`
	Secrets struct {
		Rotate  secretsRotateCommand  `cmd:"" help:"Replace the key that seals secrets in the database, also while controllers run."`
		Abandon secretsAbandonCommand `cmd:"" help:"Give up the secrets of a database whose key is lost for ever, so that a controller can start on it again."`
	} `cmd:"" help:"Work with the secrets in the database."`
	OpenAPI    openAPICommand    `cmd:"" name:"openapi" help:"Print the API's OpenAPI document."`
	Completion completionCommand `cmd:"" help:"Print what makes a shell complete commands and flags: source <(lormas completion bash)."`
	Version    versionCommand    `cmd:"" help:"Print the version."`
}

func newCommands(s Streams) commands {
	return commands{
		Dev:  dev.Command{Version: Version(), Out: s.Out},
		Node: newNodeCommands(), Cluster: newClusterCommands(), Egg: newEggCommands(), Container: newContainerCommands(),
		User: newUserCommands(), Role: newRoleCommands(), Token: newTokenCommands(), Job: newJobCommands(), Audit: newAuditCommands(),
		Fleet: newFleetCommands(),
	}
}

const description = `Containers on machines you cannot always reach.

Every flag can be set in the environment, too: --http-listen is LORMAS_HTTP_LISTEN.
LORMAS_CONFIG names a file of such settings.`

// exit is the code that kong wants to end with, after --help or a mistake.
type exit int

// Run carries out one command line, until it is done, ctx ends or the process is
// told to stop, and answers the exit code.
func Run(ctx context.Context, args []string, s Streams) (code int) {
	defer func() {
		if p := recover(); p != nil {
			c, ok := p.(exit)
			if !ok {
				panic(p)
			}
			if code = int(c); code != exitDone {
				code = exitUsage
			}
		}
	}()
	if err := run(ctx, args, s); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintf(s.Err, "lormas: %v\n", err)
		return codeOf(err)
	}
	return exitDone
}

func run(ctx context.Context, args []string, s Streams) error {
	source, err := config.Environment()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	all := newCommands(s)
	parser, err := kong.New(&all,
		kong.Name("lormas"),
		kong.Description(description),
		kong.ShortUsageOnError(), kong.Resolvers(source), kong.Writers(s.Out, s.Err),
		kong.Exit(func(code int) { panic(exit(code)) }), // kong itself would end the process
		kong.Bind(s), kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		return err
	}
	kongplete.Complete(parser) // ends here when a shell asks
	chosen, err := parser.Parse(args)
	parser.FatalIfErrorf(err)
	return chosen.Run()
}

// version is what the build was told, or the commit that it was made from.
var version = ""

// Version is the version of this binary.
func Version() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "dev-" + s.Value[:12]
		}
	}
	return "dev"
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(s Streams) error {
	_, err := fmt.Fprintln(s.Out, "lormas", Version())
	return err
}
