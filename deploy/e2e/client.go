package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// StatusError is an answer that is no success.
type StatusError struct {
	Request string // GET /nodes
	Code    int
	Body    string
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%s: status %d: %s", e.Request, e.Code, bytes.TrimSpace([]byte(e.Body)))
}

// StatusOf is the HTTP status of an error that an API gave, or 0.
func StatusOf(err error) int {
	var status *StatusError
	if errors.As(err, &status) {
		return status.Code
	}
	return 0
}

// client speaks JSON over HTTP to one server.
type client struct {
	base  string
	http  *http.Client
	token string
}

// call sends in, unless it is nil, and decodes the answer into out, unless
// that is nil.
func (c client) call(ctx context.Context, method, path string, in, out any) error {
	request, err := c.request(ctx, method, path, in)
	if err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("%s %s: read the answer: %w", method, path, err)
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		return &StatusError{Request: method + " " + path, Code: response.StatusCode, Body: string(text)}
	}
	if as, ok := out.(*plain); ok {
		*as = plain(text)
		return nil
	}
	if out == nil || len(text) == 0 {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("%s %s: %w in %.200s", method, path, err, text)
	}
	return nil
}

func (c client) request(ctx context.Context, method, path string, in any) (*http.Request, error) {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	if in != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	return request, nil
}

// API is a user of the controller's API. It signs in again when its token has
// run out. It is safe for concurrent use.
type API struct {
	http *http.Client

	mu              sync.Mutex
	address         string // of the controller that is asked
	email, password string
	token           string
}

// requestTimeout is for one request: a frozen controller must not freeze the
// test.
const requestTimeout = 10 * time.Second

func newAPI(dial func(ctx context.Context, network, address string) (net.Conn, error)) *API {
	return &API{address: APIAddress, http: &http.Client{
		Timeout: requestTimeout,
		// A connection that is kept over a cut or a kill would only make the
		// next request fail.
		Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true},
	}}
}

func (a *API) client() client {
	a.mu.Lock()
	defer a.mu.Unlock()
	return client{base: "http://" + a.address + "/api/v1", http: a.http, token: a.token}
}

// turnTo has another controller asked from now on. A session is good with all
// controllers of a database.
func (a *API) turnTo(address string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.address = address
}

// Call sends a request below /api/v1. An answer that is no success is a
// *StatusError.
func (a *API) Call(ctx context.Context, method, path string, in, out any) error {
	err := a.client().call(ctx, method, path, in, out)
	if StatusOf(err) != http.StatusUnauthorized {
		return err
	}
	a.mu.Lock()
	email, password := a.email, a.password
	a.mu.Unlock()
	if err := a.Login(ctx, email, password); err != nil {
		return err
	}
	return a.client().call(ctx, method, path, in, out)
}

// Text fetches what is no JSON, such as the logs of a container.
func (a *API) Text(ctx context.Context, path string) (string, error) {
	var text plain
	err := a.Call(ctx, http.MethodGet, path, nil, &text)
	return string(text), err
}

// plain takes an answer as it is.
type plain string

// Login signs in, for this and all later calls.
func (a *API) Login(ctx context.Context, email, password string) error {
	anonymous := a.client()
	anonymous.token = ""
	var answer struct {
		AccessToken string `json:"accessToken"`
	}
	in := map[string]string{"email": email, "password": password}
	if err := anonymous.call(ctx, http.MethodPost, "/auth/login", in, &answer); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.email, a.password, a.token = email, password, answer.AccessToken
	return nil
}

// Token is the access token, which is also a password for MQTT.
func (a *API) Token() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.token
}
