package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lormas/lormas/controller/internal/actions"
)

//go:generate sh -c "go run ../../cmd/lormas openapi > openapi.json.new && mv openapi.json.new ../../../frontend/openapi.json"

// Document is the OpenAPI document of the API, indented, as it is committed
// for the dashboard's client. It needs no server: routes alone make it.
func Document() ([]byte, error) {
	s, err := New(Deps{Version: "v1", Metrics: prometheus.NewRegistry(), Fleet: Fleet{Actions: &actions.Service{}}})
	if err != nil {
		return nil, fmt.Errorf("make the document: %w", err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, s.document, "", "    "); err != nil {
		return nil, fmt.Errorf("make the document: %w", err)
	}
	return append(out.Bytes(), '\n'), nil
}
