package actions

import (
	"context"
	"strings"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
)

// Permission is one that can be granted, for who makes roles.
type Permission struct {
	Verb    fleet.Verb
	Colons  string // as it may also be written
	Help    string
	Changes bool     // it does more than show
	Roles   []string // of those that come with the product, which have it
}

// Permissions lists all that can be granted, in the order of the table.
func (s *Service) Permissions(ctx context.Context) ([]Permission, error) {
	builtin, err := s.Store.BuiltinRoles(ctx)
	if err != nil {
		return nil, err
	}
	var list []Permission
	for _, rule := range authz.Rules {
		if rule.Access != authz.Permission {
			continue
		}
		p := Permission{Verb: rule.Verb, Colons: strings.ReplaceAll(string(rule.Verb), ".", ":"), Help: rule.Help, Changes: rule.Changes, Roles: []string{}}
		for _, r := range builtin {
			if authz.Allows(r.All(), rule.Verb) {
				p.Roles = append(p.Roles, r.Name)
			}
		}
		list = append(list, p)
	}
	return list, nil
}
