package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Client talks to one controller as one person.
type Client struct {
	server  string
	http    *http.Client
	session session
}

// patience bounds a request that is not a stream.
const patience = time.Minute

// maxAnswer bounds what is read of an answer that is not a stream.
const maxAnswer = 64 << 20

// Request is one call of the API; only Method and Path are needed.
type Request struct {
	Method string
	Path   string // below /api/v1
	Query  url.Values
	Body   any // as JSON; []byte: as it is, with a Content-Type of its own in Header; nil: none
	Header map[string]string
}

// Do carries a request out and reads the answer into into, which may be nil.
func (c *Client) Do(ctx context.Context, r Request, into any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	answer, err := c.send(ctx, r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return &Unreachable{c.server, fmt.Errorf("read the controller's answer: %w", err)}
	}
	if into == nil || len(text) == 0 {
		return nil
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s does not answer like a Lormas controller: check --server", c.server)
	}
	return nil
}

// Stream opens an answer that goes on; the caller closes it.
func (c *Client) Stream(ctx context.Context, r Request) (io.ReadCloser, error) {
	answer, err := c.send(ctx, r)
	if err != nil {
		return nil, err
	}
	return answer.Body, nil
}

// send is a request with its credential; one that has ended meanwhile is
// renewed and the request sent again.
func (c *Client) send(ctx context.Context, r Request) (*http.Response, error) {
	for again := false; ; again = true {
		bearer, err := c.session.bearer(ctx, c, again)
		if err != nil {
			return nil, err
		}
		answer, err := c.exchange(ctx, r, bearer)
		var p *Problem
		if !again && c.session.renews() && errors.As(err, &p) && p.Status == http.StatusUnauthorized {
			continue
		}
		return answer, err
	}
}

// exchange is one request and its answer, if that is not a refusal.
func (c *Client) exchange(ctx context.Context, r Request, bearer string) (*http.Response, error) {
	request, err := c.prepare(ctx, r, bearer)
	if err != nil {
		return nil, err
	}
	answer, err := c.http.Do(request)
	if err != nil {
		if ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return nil, ctx.Err()
		}
		return nil, &Unreachable{c.server, err}
	}
	if answer.StatusCode < http.StatusBadRequest {
		return answer, nil
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return nil, &Unreachable{c.server, err}
	}
	return nil, problemOf(answer.StatusCode, text)
}

func (c *Client) prepare(ctx context.Context, r Request, bearer string) (*http.Request, error) {
	var body io.Reader
	if file, ok := r.Body.([]byte); ok {
		body = bytes.NewReader(file)
	} else if r.Body != nil {
		text, err := json.Marshal(r.Body)
		if err != nil {
			return nil, fmt.Errorf("make the request: %w", err)
		}
		body = bytes.NewReader(text)
	}
	address := c.server + "/api/v1" + r.Path
	if len(r.Query) > 0 {
		address += "?" + r.Query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, r.Method, address, body)
	if err != nil {
		return nil, fmt.Errorf("--server: %w", err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	request.Header.Set("User-Agent", "lormas-cli")
	if bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer)
	}
	for name, value := range r.Header {
		request.Header.Set(name, value)
	}
	return request, nil
}

// pageSize is how much of a list is asked for at once: the most there is.
const pageSize = 200

// List reads a list, page by page, as far as it is asked for.
func (c *Client) List(ctx context.Context, path string, query url.Values) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		asked := url.Values{"limit": {strconv.Itoa(pageSize)}}
		for key, values := range query {
			asked[key] = values
		}
		for {
			var page struct {
				Items []json.RawMessage `json:"items"`
				Next  string            `json:"next_cursor"`
			}
			if err := c.Do(ctx, Request{Method: http.MethodGet, Path: path, Query: asked}, &page); err != nil {
				yield(nil, err)
				return
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			asked.Set("cursor", page.Next)
		}
	}
}

// address is a server as people write it, made whole.
func address(server string) (string, error) {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", fmt.Errorf("%.100q is not the address of a controller: write it like https://lormas.example or http://127.0.0.1:7070", server)
	}
	if u.User != nil {
		return "", errors.New("the server's address must hold no user name or password: sign in with lormas login")
	}
	return strings.TrimRight(u.String(), "/"), nil
}
