package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/lormas/lormas/controller/internal/authn"
	"github.com/lormas/lormas/controller/internal/roster"
	"github.com/lormas/lormas/controller/internal/store"
)

type brokerPasswordsCommand struct {
	database       `embed:""`
	For            string `name:"for" required:"" enum:"mosquitto,nats" placeholder:"BROKER" help:"mosquitto or nats."`
	Out            string `name:"out" required:"" placeholder:"DIR" help:"Where the files go: passwords and acl for mosquitto, users.conf for NATS. They get the directory's group where that is set (chmod g+s)."`
	StateDir       string `name:"state-dir" default:"/var/lib/lormas" placeholder:"DIR" help:"That of a controller: it has the signing key, unless --signing-key names a file (default: ${default})."`
	SigningKey     string `name:"signing-key" placeholder:"FILE" help:"The key that signs all tokens."`
	BrokerUser     string `name:"broker-user" default:"controller" placeholder:"NAME" help:"The controllers' user at the broker (default: ${default})."`
	BrokerPassword string `name:"broker-password" required:"" placeholder:"PASSWORD" help:"Its password; better through LORMAS_BROKER_PASSWORD_FILE."`
	Follow         bool   `name:"follow" help:"Go on, and write the files again when nodes come and go or get other credentials."`
	Then           string `name:"then" placeholder:"COMMAND" help:"What has the broker read the files, for a shell: run whenever they were written, such as 'systemctl reload mosquitto'."`
}

// followEvery is how often the nodes are looked at. A credential that was
// taken away opens the broker's door for so long.
const followEvery = 2 * time.Second

// Run writes the files, and with Follow goes on doing so.
func (c brokerPasswordsCommand) Run(ctx context.Context, s Streams) error {
	db, err := store.Open(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer db.Close()
	signer, err := c.signer(ctx, db)
	if err != nil {
		return err
	}
	last, err := c.write(ctx, s, db, signer, nil)
	for err == nil && c.Follow {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(followEvery):
		}
		now, failed := c.write(ctx, s, db, signer, last)
		if failed != nil && ctx.Err() == nil {
			fmt.Fprintf(s.Err, "lormas: the list is as it was; it is tried again: %v\n", failed)
			continue
		}
		last = now
	}
	return err
}

// signer has the key that the controllers of this database sign with: with
// another one every password would be wrong.
func (c brokerPasswordsCommand) signer(ctx context.Context, db *store.Store) (authn.Signer, error) {
	file := cmp.Or(c.SigningKey, filepath.Join(c.StateDir, "signing.key"))
	key, err := authn.LoadKey(file)
	if err != nil {
		return authn.Signer{}, fmt.Errorf("%w\nRun this where a controller has run, or name its key with --signing-key", err)
	}
	all, err := db.Controllers(ctx)
	if err != nil {
		return authn.Signer{}, err
	}
	for _, other := range all {
		if print := authn.Fingerprint(key); other.SigningKey != "" && other.SigningKey != print {
			return authn.Signer{}, fmt.Errorf("%s is %s, but controller %s signs with %s: copy that one's signing key here", file, print, other.ID, other.SigningKey)
		}
	}
	return authn.NewSigner(key, time.Now), nil
}

// write writes the files when somebody in them is not as before.
func (c brokerPasswordsCommand) write(ctx context.Context, s Streams, db *store.Store, signer authn.Signer, before []roster.Login) ([]roster.Login, error) {
	agents, err := logins(ctx, db, signer)
	if err != nil || before != nil && slices.Equal(agents, before) {
		return before, err
	}
	files, err := c.files(agents)
	if err != nil {
		return before, err
	}
	for name, text := range files {
		if err := replaceFile(filepath.Join(c.Out, name), text); err != nil {
			return before, err
		}
	}
	fmt.Fprintf(s.Out, "%s: %d nodes and %s may come to %s\n", c.Out, len(agents), c.BrokerUser, c.For)
	if c.Then == "" {
		return agents, nil
	}
	if out, err := exec.CommandContext(ctx, "/bin/sh", "-c", c.Then).CombinedOutput(); err != nil {
		return before, fmt.Errorf("--then %s: %w: %s", c.Then, err, out)
	}
	return agents, nil
}

func logins(ctx context.Context, db *store.Store, signer authn.Signer) ([]roster.Login, error) {
	credentials, err := db.LiveCredentials(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]roster.Login, len(credentials))
	for i, credential := range credentials {
		list[i].User = credential.NodeID.String()
		if list[i].Password, err = signer.BrokerPassword(credential); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// files are the names and texts that the broker wants.
func (c brokerPasswordsCommand) files(agents []roster.Login) (map[string]string, error) {
	controller := roster.Login{User: c.BrokerUser, Password: c.BrokerPassword}
	if c.For == "nats" {
		users, err := roster.NATS(controller, agents)
		return map[string]string{"users.conf": users}, err
	}
	passwords, err := roster.MosquittoPasswords(append(slices.Clone(agents), controller))
	return map[string]string{"passwords": passwords, "acl": roster.MosquittoACL(c.BrokerUser)}, err
}

// replaceFile puts a file into place, whole or not at all. Others than its
// owner and its group have no business in it.
func replaceFile(name, text string) error {
	aside, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	defer os.Remove(aside.Name()) // gone already, if all is well
	_, err = aside.WriteString(text)
	if err := errors.Join(err, aside.Chmod(0o640), aside.Close()); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	return os.Rename(aside.Name(), name)
}
