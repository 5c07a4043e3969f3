package store_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/controller/internal/testkit"
)

// What a database says of a statement is no reason to try again later; that
// it cannot be spoken with is.
func TestAwayIsWhatPassesByItself(t *testing.T) {
	url := testkit.PostgresURL(t)
	refused, err := pgx.Connect(t.Context(), "postgres://nobody@127.0.0.1:1/none")
	if err == nil {
		_ = refused.Close(t.Context())
		t.Fatal("somebody listens on port 1")
	}
	if !store.Away(err) {
		t.Errorf("nobody listens, and that is not away: %v", err)
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	_, err = conn.Exec(t.Context(), `select 1/0`)
	if err == nil || store.Away(err) {
		t.Errorf("a statement that is wrong is away: %v", err)
	}
	if _, err = conn.Exec(t.Context(), `select pg_terminate_backend(pg_backend_pid())`); !store.Away(err) {
		t.Errorf("a connection that was ended is not away: %v", err)
	}
	if _, err = conn.Exec(t.Context(), `select 1`); !store.Away(err) {
		t.Errorf("a connection that has ended is not away: %v", err)
	}
	for _, err := range []error{nil, context.Canceled, errors.New("other"), fleet.Errorf(fleet.NotFound, "there is none")} {
		if store.Away(err) {
			t.Errorf("%v is away", err)
		}
	}
}
