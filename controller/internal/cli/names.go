package cli

import (
	"context"
	"net/http"

	"github.com/lormas/lormas/controller/internal/client"
)

// naming finds what things are called that a table knows by id only. What one
// may not see, and all beyond the first few, stays an id.
type naming struct {
	ctx   context.Context
	to    *client.Client
	known map[string]string
}

// mostNames bounds the requests that a table costs beside its own.
const mostNames = 50

func newNaming(ctx context.Context, to *client.Client) *naming {
	return &naming{ctx: ctx, to: to, known: map[string]string{}}
}

// named are the nouns that a column may refer to, by the word behind its "|".
var named = map[string]noun{"node": nodes, "user": users, "role": roles}

func (n *naming) name(kind, id string) string {
	of, refers := named[kind]
	if n == nil || !refers || id == "" {
		return id
	}
	if name, ok := n.known[id]; ok {
		return name
	}
	if len(n.known) >= mostNames {
		return id
	}
	var item map[string]any
	name := id
	if n.to.Do(n.ctx, client.Request{Method: http.MethodGet, Path: of.path + "/" + id}, &item) == nil {
		if called, is := item[of.key].(string); is {
			name = called
		}
	}
	n.known[id] = name
	return name
}
