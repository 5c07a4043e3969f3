package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"golang.org/x/term"
)

// access is how commands reach a running controller.
type access struct {
	Server   string `name:"server" default:"http://127.0.0.1:7070" placeholder:"URL" help:"The controller's API."`
	Token    string `name:"token" placeholder:"TOKEN" help:"An API token (lormas_…); better through LORMAS_TOKEN_FILE."`
	Email    string `name:"email" placeholder:"EMAIL" help:"Sign in with e-mail and password instead."`
	Password string `name:"password" placeholder:"PASSWORD" help:"For --email; asked for on a terminal. Better through LORMAS_PASSWORD_FILE."`
}

type nodeAddCommand struct {
	access      `embed:""`
	Name        string `arg:"" help:"The node's name."`
	Description string `name:"description" placeholder:"TEXT"`
	Cluster     string `name:"cluster" placeholder:"ID" help:"The cluster that it belongs to, by id."`
}

// Run adds the node and prints how to start its agent.
func (c nodeAddCommand) Run(ctx context.Context, s Streams) error {
	if err := c.signIn(ctx, s); err != nil {
		return err
	}
	request := struct {
		Name        string `json:"name"`
		Description string `json:"description,omitempty"`
		Cluster     string `json:"cluster_id,omitempty"`
	}{c.Name, c.Description, c.Cluster}
	var made struct{ ID, Name, Command string }
	if err := c.post(ctx, "/nodes", request, &made); err != nil {
		return err
	}
	_, err := fmt.Fprintf(s.Out, "Node %s (%s) waits for its agent. Run this on the machine; the token is shown this once:\n\n  %s\n\n",
		made.Name, made.ID, made.Command)
	return err
}

// signIn gets a token where none was given.
func (a *access) signIn(ctx context.Context, s Streams) error {
	if a.Token != "" {
		return nil
	}
	if a.Email == "" {
		return errors.New("who are you? Give an API token (--token, LORMAS_TOKEN) or --email")
	}
	if a.Password == "" {
		if !term.IsTerminal(int(s.In.Fd())) {
			return errors.New("the password is missing: set LORMAS_PASSWORD or LORMAS_PASSWORD_FILE")
		}
		fmt.Fprintf(s.Err, "Password of %s: ", a.Email)
		text, err := term.ReadPassword(int(s.In.Fd()))
		fmt.Fprintln(s.Err)
		if err != nil {
			return fmt.Errorf("read password: %w", err)
		}
		a.Password = string(text)
	}
	var session struct {
		AccessToken string `json:"accessToken"`
		User        struct {
			MustChangePassword bool `json:"mustChangePassword"`
		} `json:"user"`
	}
	login := map[string]string{"email": a.Email, "password": a.Password}
	if err := a.post(ctx, "/auth/login", login, &session); err != nil {
		return err
	}
	if session.User.MustChangePassword {
		return fmt.Errorf("this password must be changed first: sign in to the dashboard at %s", a.Server)
	}
	a.Token = session.AccessToken
	return nil
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 1 << 20

func (a *access) post(ctx context.Context, path string, body, into any) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(a.Server, "/")+"/api/v1"+path, bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("--server: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	if a.Token != "" {
		request.Header.Set("Authorization", "Bearer "+a.Token)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("%w\nIs the controller running there? Say where it is with --server or LORMAS_SERVER", err)
	}
	defer answer.Body.Close()
	read, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the controller's answer: %w", err)
	}
	if answer.StatusCode >= http.StatusBadRequest {
		return problem(answer.Status, read)
	}
	if err := json.Unmarshal(read, into); err != nil {
		return fmt.Errorf("%s does not answer like a Lormas controller: check --server", a.Server)
	}
	return nil
}

// problem is the controller's refusal, in its own words.
func problem(status string, text []byte) error {
	var p struct {
		Detail string
		Errors []struct{ Field, Message string }
	}
	if json.Unmarshal(text, &p) != nil || p.Detail == "" {
		return fmt.Errorf("the controller answered %s", status)
	}
	lines := []string{p.Detail}
	for _, e := range p.Errors {
		lines = append(lines, fmt.Sprintf("  %s: %s", e.Field, e.Message))
	}
	return errors.New(strings.Join(lines, "\n"))
}
