package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestPages(t *testing.T) {
	site := pages("Hello", "box")
	for _, c := range []struct {
		path string
		code int
		body string
	}{
		{"/", http.StatusOK, "Hello. I am container box, and this is visit 1 "},
		{"/", http.StatusOK, "visit 2 "},
		{"/healthz", http.StatusOK, "ok"},
		{"/elsewhere", http.StatusNotFound, "not found"},
	} {
		answer := httptest.NewRecorder()
		site.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, c.path, nil))
		if answer.Code != c.code || !strings.Contains(answer.Body.String(), c.body) {
			t.Errorf("%s: got %d %q, want %d with %q", c.path, answer.Code, answer.Body, c.code, c.body)
		}
	}
}
