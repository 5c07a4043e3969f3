package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/lormas/lormas/controller/internal/client"
)

// askEvery is how often a list without news of its own is read again.
const askEvery = 2 * time.Second

// rowGap stands between the columns of rows that are printed as they come,
// which nobody can align.
const rowGap = "   "

// watching prints what changes in a list.
type watching struct {
	listCommand
	s     Streams
	to    *client.Client
	query url.Values
	names *naming
	seen  map[string]string // what was last printed of each, but for ages
}

// watch prints the list, and then every row that is new or changed. It hears
// of changes over MQTT where there is a topic of them.
func (c listCommand) watch(ctx context.Context, s Streams, to *client.Client, query url.Values) error {
	w := &watching{listCommand: c, s: s, to: to, query: query, names: newNaming(ctx, to), seen: map[string]string{}}
	if c.Output == "table" {
		if err := newTable(s.Out, c.of, nil).flush(); err != nil {
			return err
		}
	}
	if c.of.topic == "" {
		return w.ask(ctx)
	}
	return w.listen(ctx)
}

// ask reads the list again and again.
func (w *watching) ask(ctx context.Context) error {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		if err := w.all(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// listen reads what it hears of. Whenever the connection is new, the whole
// list is read: what changed in between was said to nobody.
func (w *watching) listen(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	const backlog = 1024
	changed := make(chan string, backlog) // "": all of them
	tell := func(key string) {
		select {
		case changed <- key:
		case <-ctx.Done():
		}
	}
	go func() {
		err := w.to.Live(ctx, w.of.topic, func() { tell("") }, func(topic string, payload []byte) { tell(w.of.about(topic, payload)) })
		stop(err)
	}()
	for {
		select {
		case <-ctx.Done():
			if why := context.Cause(ctx); !errors.Is(why, context.Canceled) {
				return why
			}
			return nil
		case key := <-changed:
			if err := w.read(ctx, key); err != nil {
				return err
			}
		}
	}
}

// about is the id of what a message is about; "-": of nothing that is in the
// list.
func (n noun) about(topic string, payload []byte) string {
	if parts := strings.Split(topic, "/"); strings.Contains(n.topic, "+") && len(parts) > 3 {
		return parts[3] // lormas/v1/<nouns>/<id>/…
	}
	var event struct {
		Kind  string `json:"kind"`
		JobID string `json:"jobId"`
	}
	if json.Unmarshal(payload, &event) != nil || event.Kind != n.name || event.JobID == "" {
		return "-"
	}
	return event.JobID
}

func (w *watching) read(ctx context.Context, key string) error {
	switch key {
	case "-":
		return nil
	case "":
		return w.all(ctx)
	}
	var item json.RawMessage
	err := w.to.Do(ctx, client.Request{Method: http.MethodGet, Path: w.of.path + "/" + key}, &item)
	var p *client.Problem
	if errors.As(err, &p) && p.Status == http.StatusNotFound {
		return w.gone(key)
	}
	if err != nil {
		return err
	}
	return w.row(item)
}

func (w *watching) all(ctx context.Context) error {
	items, err := w.items(ctx, w.to, w.query)
	if err != nil {
		return err
	}
	for _, item := range items {
		if err := w.row(item); err != nil {
			return err
		}
	}
	return nil
}

// row prints a thing unless it was printed just so before.
func (w *watching) row(item json.RawMessage) error {
	key, line := field(decoded(item), "id"), w.of.line(item, rowGap, w.names)
	lasting := w.of.lasting().line(item, rowGap, w.names)
	if w.Output == "json" || w.Output == "yaml" {
		line, lasting = string(item), string(item)
	}
	if w.seen[key] == lasting {
		return nil
	}
	w.seen[key] = lasting
	switch w.Output {
	case "yaml":
		fmt.Fprintln(w.s.Out, "---")
		return printYAML(w.s.Out, []json.RawMessage{item}, false)
	case "id":
		line = key
	}
	_, err := fmt.Fprintln(w.s.Out, line)
	return err
}

func (w *watching) gone(key string) error {
	if _, known := w.seen[key]; !known {
		return nil
	}
	delete(w.seen, key)
	if w.Output == "json" {
		_, err := fmt.Fprintf(w.s.Out, "{\"id\":%q,\"gone\":true}\n", key)
		return err
	}
	_, err := fmt.Fprintf(w.s.Out, "%s%sgone\n", key, rowGap)
	return err
}
