package actions

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// ContainerSecrets reads what is secret in a container's environment. It is a
// read that leaves an entry: nothing is told before that is written.
func (s *Service) ContainerSecrets(ctx context.Context, actor authz.Actor, container id.ContainerID) (map[string]string, error) {
	c, err := s.ContainerFor(ctx, actor, fleet.ContainerSecretView, container)
	if err != nil {
		return nil, err
	}
	seen := entry(actor, fleet.ContainerSecretView, ofContainer(c, authz.Everything))
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		return tx.InsertAudit(ctx, detailed(seen, map[string]any{"secrets": c.Spec.Secret}))
	})
	if err != nil {
		return nil, err
	}
	secrets := map[string]string{}
	for _, name := range c.Spec.Secret {
		secrets[name] = c.Spec.Env[name]
	}
	return secrets, nil
}

// environment is both kinds in one, where no name is in both.
func (f *faults) environment(open, secret map[string]string) map[string]string {
	all := map[string]string{}
	maps.Copy(all, open)
	maps.Copy(all, secret)
	twice(f, open, secret)
	return all
}

// twice finds names that are given openly and as secrets.
func twice[V any](f *faults, open, secret map[string]V) {
	for _, name := range slices.Sorted(maps.Keys(secret)) {
		if _, both := open[name]; both {
			f.add("secrets."+name, "this is in environment, too: give it once")
		}
	}
}

// ofSecrets names the field that somebody wrote: a secret is checked as a part
// of the environment.
func ofSecrets(found []spec.Fault, secret []string) []spec.Fault {
	for i := range found {
		name, ok := strings.CutPrefix(found[i].Field, "environment.")
		if ok && slices.Contains(secret, name) {
			found[i].Field = "secrets." + name
		}
	}
	return found
}
