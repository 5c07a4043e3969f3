package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/client"
)

// noun is a kind of thing that the API has a list of, and how it looks in a
// table.
type noun struct {
	name    string
	path    string
	key     string // the field that people call it by; "": it has none but its id
	topic   string // where its news come, with + for its id; "": it is asked for again and again
	columns []column
}

var (
	nodes = noun{name: "node", path: "/nodes", key: "name", topic: "lormas/v1/nodes/+/health", columns: []column{
		{"NAME", "name"}, {"STATE", "state"}, {"SINCE", "since|age"}, {"CORDONED", "cordoned"}, {"FREE CPU", "capacity.cpu"},
		{"FREE MEMORY", "capacity.memory"}, {"LABELS", "labels"}, {"AGENT", "agentVersion"}, {"ID", "id"},
	}}
	clusters = noun{name: "cluster", path: "/clusters", key: "name", columns: []column{
		{"NAME", "name"}, {"PROFILE", "profile"}, {"WINDOW", "window"}, {"OUTAGE", "outage_policy"}, {"DESCRIPTION", "description"}, {"ID", "id"},
	}}
	eggs = noun{name: "egg", path: "/eggs", key: "name", columns: []column{
		{"NAME", "name"}, {"AUTHOR", "author"}, {"DESCRIPTION", "description"}, {"ID", "id"},
	}}
	containers = noun{name: "container", path: "/containers", key: "name", topic: "lormas/v1/containers/+/state", columns: []column{
		{"NAME", "name"}, {"POWER", "power"}, {"PHASE", "phase"}, {"TYPE", "type"}, {"MIGRATION", "migration_status"},
		{"NODE", "nodeId|node"}, {"CREATED", "createdAt|age"}, {"ID", "id"},
	}}
	users = noun{name: "user", path: "/users", key: "email", columns: []column{
		{"EMAIL", "email"}, {"NAME", "name"}, {"2FA", "totp"}, {"DISABLED", "disabledAt|age"}, {"CREATED", "createdAt|age"}, {"ID", "id"},
	}}
	roles = noun{name: "role", path: "/roles", key: "name", columns: []column{
		{"NAME", "name"}, {"BUILT IN", "builtin"}, {"PERMISSIONS", "permissions"}, {"DESCRIPTION", "description"}, {"ID", "id"},
	}}
	bindings = noun{name: "role binding", path: "/roles/bindings", columns: []column{
		{"USER", "userId|user"}, {"ROLE", "roleId|role"}, {"SCOPE", "scope"}, {"OF", "scopeId"}, {"CREATED", "createdAt|age"}, {"ID", "id"},
	}}
	jobs = noun{name: "job", path: "/jobs", topic: "lormas/v1/events", columns: []column{
		{"KIND", "kind"}, {"OF", "containerName"}, {"STATE", "state"}, {"PROGRESS", "progress"}, {"STEP", "step"}, {"ERROR", "error"}, {"CREATED", "createdAt|age"}, {"ID", "id"},
	}}
	audit = noun{name: "audit entry", path: "/audit", columns: []column{
		{"AT", "at"}, {"WHO", "actor.name"}, {"WHAT", "verb"}, {"OF", "target.name"}, {"OUTCOME", "outcome"}, {"FROM", "address"}, {"WHY", "reason"},
	}}
	tokens = noun{name: "API token", path: "/auth/tokens", key: "name", columns: []column{
		{"NAME", "name"}, {"PERMISSIONS", "permissions"}, {"EXPIRES", "expiresAt"}, {"LAST USED", "lastUsedAt|age"}, {"ID", "id"},
	}}
	me = noun{name: "account", columns: []column{{"NAME", "name"}, {"KIND", "kind"}, {"LIMIT", "limit"}, {"ID", "userId"}}}
)

// find is the id of a thing that was named by its id or by what people call
// it.
func (n noun) find(ctx context.Context, to *client.Client, ref string) (string, error) {
	if _, err := uuid.Parse(ref); err == nil || n.key == "" {
		return ref, nil
	}
	for raw, err := range to.List(ctx, n.path, url.Values{"q": {beginning(ref)}}) {
		if err != nil {
			return "", err
		}
		var item map[string]any
		if err := json.Unmarshal(raw, &item); err != nil {
			return "", fmt.Errorf("read %s: %w", n.name, err)
		}
		if item[n.key] == ref {
			found, _ := item["id"].(string)
			return found, nil
		}
	}
	return "", &client.Problem{Status: http.StatusNotFound, Detail: fmt.Sprintf("there is no %s %q that you may see: lormas %s list shows them", n.name, ref, n.name)}
}

// beginning is as much of a name as a search takes.
func beginning(name string) string {
	const most = 100
	if text := []rune(name); len(text) > most {
		return string(text[:most])
	}
	return name
}

// at is the path of one thing.
func (n noun) at(ctx context.Context, to *client.Client, ref string) (string, error) {
	found, err := n.find(ctx, to, ref)
	return n.path + "/" + url.PathEscape(found), err
}
