package client

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// Problem is the controller's refusal, in its own words.
type Problem struct {
	Type      string  `json:"type"`
	Status    int     `json:"status"`
	Title     string  `json:"title"`
	Detail    string  `json:"detail"`
	Errors    []Fault `json:"errors"`
	RequestID string  `json:"request_id"`
}

// Fault is what is wrong with one field.
type Fault struct {
	Field   string `json:"field"`
	Message string `json:"message"`
	Line    int    `json:"line"` // in a file that was sent; 0: there was none
}

// Error is what people read.
func (p *Problem) Error() string {
	lines := []string{p.Detail}
	for _, e := range p.Errors {
		line := fmt.Sprintf("  %s: %s", e.Field, e.Message)
		if e.Line > 0 {
			line = fmt.Sprintf("  line %d, %s: %s", e.Line, e.Field, e.Message)
		}
		lines = append(lines, line)
	}
	if p.Status >= http.StatusInternalServerError && p.RequestID != "" {
		lines = append(lines, "  request id: "+p.RequestID)
	}
	return strings.Join(lines, "\n")
}

const problemPrefix = "urn:lormas:problem:"

// IsKind reports whether a problem is of a type, such as totp_required.
func (p *Problem) IsKind(kind string) bool { return p.Type == problemPrefix+kind }

// problemOf reads a refusal. What does not speak our language is told apart
// by its status alone.
func problemOf(status int, text []byte) *Problem {
	p := &Problem{}
	if json.Unmarshal(text, p) != nil || p.Detail == "" {
		return &Problem{Status: status, Detail: fmt.Sprintf("the server answered %d %s, and not in the words of a Lormas controller: check its address", status, http.StatusText(status))}
	}
	p.Status = status
	return p
}

// Unreachable says that no controller answered.
type Unreachable struct {
	Server string
	Err    error
}

// Error is what people read.
func (u *Unreachable) Error() string {
	return fmt.Sprintf("%v\nIs the controller running at %s? Say where it is with --server or LORMAS_SERVER", u.Err, u.Server)
}

// Unwrap is the cause.
func (u *Unreachable) Unwrap() error { return u.Err }
