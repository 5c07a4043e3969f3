package httpapi

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lormas/lormas/controller/internal/liveness"
	"github.com/lormas/lormas/controller/internal/watch"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

// agent answers the commands that a watch sends to its node.
type agent struct {
	watch  *watch.Watch
	answer func(command wire.Command, send func(message any))

	mu    sync.Mutex
	asked []wire.Command
	busy  sync.WaitGroup
}

// Publish implements watch.Publisher.
func (a *agent) Publish(t wire.Topic, payload []byte) error {
	command, err := wire.Decode[wire.Command](payload, wire.TypeCommand)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = append(a.asked, command)
	kind := wire.ContainerLogs
	if command.Action == wire.ActionStats {
		kind = wire.ContainerStats
	}
	on := wire.OfContainerOn(kind, t.Node, command.ContainerID)
	a.busy.Go(func() {
		a.answer(command, func(message any) { _ = a.watch.Deliver(on, wire.Encode(message)) })
	})
	return nil
}

// watched is a house whose node is connected and answers like this.
func watched(t *testing.T, answer func(command wire.Command, send func(any))) (*fleetHouse, *agent, string) {
	t.Helper()
	h := newFleetHouse(t)
	nodes := liveness.NewRegistry(liveness.Options{Profile: liveness.Standard(), Now: time.Now, Lease: func(id.NodeID, wire.Lease) {}})
	var node id.NodeID
	if err := node.UnmarshalText([]byte(h.node)); err != nil {
		t.Fatal(err)
	}
	session := wire.Session{BootID: "boot", Session: 1}
	nodes.Load([]liveness.Known{{Node: node}})
	nodes.Hear(node, liveness.Connected{Conn: 1})
	nodes.Hear(node, liveness.Greeted{Conn: 1, Session: session})
	a := &agent{answer: answer}
	a.watch = watch.New(watch.Options{Publisher: a, Nodes: nodes, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(a.busy.Wait)
	h.Watch = a.watch
	return h, a, "/containers/" + h.container()["id"].(string)
}

func chunk(c wire.Command, data string) wire.LogChunk {
	return wire.LogChunk{Header: wire.Head(wire.TypeLogs), Stream: c.Stream, Data: data}
}

func TestLogIsPlainText(t *testing.T) {
	h, a, path := watched(t, func(c wire.Command, send func(any)) {
		begin := chunk(c, "")
		begin.First, begin.Book = 1, "b"
		send(begin)
		one := chunk(c, "one\n")
		one.First, one.Lines, one.Book, one.Source = 1, 1, "b", "out"
		send(one)
		gap := chunk(c, "two\n")
		gap.First, gap.Lines, gap.Book, gap.Gap = 9, 1, "b", &wire.Gap{From: 2, To: 8}
		send(gap)
		end := chunk(c, "")
		end.EOF = true
		send(end)
	})
	got := h.request("GET", path+"/logs?tail=5", "").want(t, http.StatusOK)
	if want := "one\n[lormas: lines 2 to 8 are not kept any more]\ntwo\n"; string(got.body) != want {
		t.Errorf("the log is %q, want %q", got.body, want)
	}
	if kind := got.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/plain") {
		t.Errorf("content type %q", kind)
	}
	got = h.request("GET", path+"/logs?format=json&after=4&book=b", "").want(t, http.StatusOK)
	if want := `{"gap":{"from":5,"to":8}}` + "\n" + `{"n":9,"text":"two"}` + "\n"; string(got.body) != want {
		t.Errorf("in JSON the log is %q, want %q", got.body, want)
	}
	if c := a.asked[1]; c.After != 4 || c.Book != "b" {
		t.Errorf("the node was asked %+v", c)
	}
	for _, bad := range []string{"format=xml", "after=-1", "after=x", "after=9007199254740993", "book=" + strings.Repeat("b", 41)} {
		h.request("GET", path+"/logs?"+bad, "").want(t, http.StatusUnprocessableEntity)
	}
	if c := a.asked[0]; c.Tail != 5 || c.Follow || c.Action != wire.ActionLogs {
		t.Errorf("the node was asked %+v", c)
	}
}

func TestLogThatIsNotThereIsAProblem(t *testing.T) {
	h, _, path := watched(t, func(c wire.Command, send func(any)) {
		none := chunk(c, "")
		none.Error, none.EOF = "the container was not made yet", true
		send(none)
	})
	p := h.request("GET", path+"/logs", "").want(t, http.StatusConflict).problem(t)
	if !strings.Contains(p.Detail, "not made yet") {
		t.Errorf("the problem says %q", p.Detail)
	}
}

func TestStreamsOfANodeOutOfReachAreAProblem(t *testing.T) {
	h, _, path := watched(t, nil)
	unknown := liveness.NewRegistry(liveness.Options{Profile: liveness.Standard(), Now: time.Now})
	h.Watch = watch.New(watch.Options{Nodes: unknown, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	for _, stream := range []string{"/logs", "/logs?follow=true", "/stats", "/stats?follow=true"} {
		h.request("GET", path+stream, "").want(t, http.StatusGatewayTimeout).problem(t)
	}
}

func TestFollowedLogStreamsAndIsGivenBack(t *testing.T) {
	more := make(chan string)
	h, a, path := watched(t, func(c wire.Command, send func(any)) {
		for text := range more {
			send(chunk(c, text))
		}
	})
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	req := must(http.NewRequestWithContext(ctx, "GET", h.url+prefix+path+"/logs?follow=true", nil))(t)
	req.Header.Set("Authorization", "Bearer "+h.bearer)
	res := must(http.DefaultClient.Do(req))(t)
	defer res.Body.Close()
	lines := bufio.NewReader(res.Body)
	for _, want := range []string{"one\n", "two\n"} { // each arrives before the next is printed
		more <- want
		if got, err := lines.ReadString('\n'); got != want || err != nil {
			t.Fatalf("the stream said %q, %v; want %q", got, err, want)
		}
	}
	if !a.asked[0].Follow {
		t.Errorf("the node was asked %+v", a.asked[0])
	}
	// the server closes: streams end, and Close need not wait for them
	closed := make(chan error, 1)
	go func() { closed <- h.Close() }()
	if _, err := io.Copy(io.Discard, lines); err != nil {
		t.Errorf("the stream broke: %v", err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	close(more)
}

// noting is a Watcher that tells which context a stream lives by.
type noting struct {
	Watcher
	lives chan context.Context
}

func (n noting) Logs(ctx context.Context, node id.NodeID, c id.ContainerID, o watch.LogOptions) (*watch.Stream[wire.LogChunk], error) {
	n.lives <- ctx
	return n.Watcher.Logs(ctx, node, c, o)
}

func TestSilentLogIsGivenBackWhenItsReaderLeaves(t *testing.T) {
	h, _, path := watched(t, func(wire.Command, func(any)) {})
	watcher := noting{h.Watch, make(chan context.Context, 1)}
	h.Watch = watcher
	ctx, leave := context.WithCancel(t.Context())
	req := must(http.NewRequestWithContext(ctx, "GET", h.url+prefix+path+"/logs?follow=true", nil))(t)
	req.Header.Set("Authorization", "Bearer "+h.bearer)
	res := must(http.DefaultClient.Do(req))(t)
	defer res.Body.Close()
	leave()
	select {
	case <-(<-watcher.lives).Done():
	case <-time.After(time.Minute):
		t.Error("the stream goes on though its reader has left")
	}
}

func TestStats(t *testing.T) {
	h, a, path := watched(t, func(_ wire.Command, send func(any)) {
		for range 3 {
			send(wire.Stats{Header: wire.Head(wire.TypeStats), CPUCores: 0.5, MemoryBytes: 1 << 20})
		}
	})
	one := h.get(path + "/stats")
	if one["cpu_cores"] != 0.5 || one["memory_bytes"] != float64(1<<20) {
		t.Errorf("the sample is %v", one)
	}
	req := must(http.NewRequestWithContext(t.Context(), "GET", h.url+prefix+path+"/stats?follow=true", nil))(t)
	req.Header.Set("Authorization", "Bearer "+h.bearer)
	res := must(http.DefaultClient.Do(req))(t)
	defer res.Body.Close()
	if kind := res.Header.Get("Content-Type"); kind != "application/x-ndjson" {
		t.Errorf("content type %q", kind)
	}
	h.request("GET", path+"/stats?latest=true", "").want(t, http.StatusGatewayTimeout)
	h.request("GET", path+"/stats?latest=true&follow=true", "").want(t, http.StatusUnprocessableEntity)
	var c id.ContainerID
	if err := c.Set(strings.TrimPrefix(path, "/containers/")); err != nil {
		t.Fatal(err)
	}
	var n id.NodeID
	if err := n.Set(h.node); err != nil {
		t.Fatal(err)
	}
	said := wire.Usage{Header: wire.Head(wire.TypeUsage), At: time.Unix(9, 0).UTC(), Containers: []wire.ContainerUsage{{ContainerID: c, DiskBytes: 4}}}
	if err := a.watch.Note(n, wire.Encode(said)); err != nil {
		t.Fatal(err)
	}
	if known := h.get(path + "/stats?latest=true"); known["disk_bytes"] != float64(4) || known["at"] != "1970-01-01T00:00:09Z" {
		t.Errorf("what is known is %v", known)
	}
	lines := bufio.NewScanner(res.Body)
	var got []bool
	for range 3 {
		got = append(got, lines.Scan() && strings.HasPrefix(lines.Text(), `{"v":1,"type":"stats"`))
	}
	if diff := cmp.Diff([]bool{true, true, true}, got); diff != "" {
		t.Errorf("lines: %s", diff)
	}
}
