package authn_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/authn"
	"github.com/lormas/lormas/controller/internal/fleet"
)

func TestRefreshRotates(t *testing.T) {
	h := newHouse(t)
	signed := h.login()
	for range 3 {
		h.pass(time.Hour)
		_, err := h.Authenticate(t.Context(), authn.Origin{Address: home}, signed.Access)
		wantKind(t, err, fleet.Unauthenticated) // it has expired
		next := must(h.refresh(signed.Refresh))(t)
		if next.Refresh == signed.Refresh {
			t.Fatal("the refresh token is still the same")
		}
		h.actor(next.Access)
		signed = next
	}
	h.pass(authn.SessionLife)
	_, err := h.refresh(signed.Refresh)
	wantKind(t, err, fleet.Unauthenticated)
}

func TestReuseOfARefreshTokenEndsTheSession(t *testing.T) {
	for name, steps := range map[string]int{"the one before": 1, "one long before": 3} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			stolen := h.login()
			newest := stolen
			for range steps {
				newest = must(h.refresh(newest.Refresh))(t)
			}
			session := uuid.UUID(h.actor(newest.Access).SessionID)
			h.pass(11 * time.Second)
			_, err := h.refresh(stolen.Refresh)
			wantKind(t, err, fleet.Unauthenticated)
			_, err = h.refresh(newest.Refresh)
			wantKind(t, err, fleet.Unauthenticated)
			_, err = h.Authenticate(t.Context(), authn.Origin{Address: home}, newest.Access)
			wantKind(t, err, fleet.Unauthenticated)
			if !h.wasKicked(session) {
				t.Error("the session's live connections go on")
			}
			if n := h.audited(fleet.AuthRefresh, fleet.OutcomeDenied); n != 1 {
				t.Errorf("%d audit entries, want 1", n)
			}
			h.login() // another session is another family
		})
	}
}

func TestTabsRefreshAtOnce(t *testing.T) {
	h := newHouse(t)
	signed := h.login()
	const tabs = 3
	release := h.holdSessions(tabs)
	var wg sync.WaitGroup
	results := make(chan error, tabs)
	for range tabs {
		wg.Go(func() {
			_, err := h.refresh(signed.Refresh)
			results <- err
		})
	}
	release()
	wg.Wait()
	close(results)
	good := 0
	for err := range results {
		if err == nil {
			good++
			continue
		}
		wantKind(t, err, fleet.Conflict)
	}
	if good != 1 {
		t.Errorf("%d of %d tabs got a new token, want 1", good, tabs)
	}
	h.actor(signed.Access) // and the session lives
}

// holdSessions keeps everybody from writing to sessions. The release waits
// until so many stand in line, and lets them go.
func (h *house) holdSessions(waiting int) (release func()) {
	h.t.Helper()
	h.exec(`begin`)
	h.exec(`select from sessions for update`)
	return func() {
		h.t.Helper()
		ctx, cancel := context.WithTimeout(h.t.Context(), time.Minute)
		defer cancel()
		for n := 0; n < waiting; {
			const inLine = `select count(*) from pg_locks where not granted and pid in (
				select l.pid from pg_locks l join pg_database d on d.oid = l.database where d.datname = current_database())`
			if err := h.sql.QueryRow(ctx, inLine).Scan(&n); err != nil {
				h.t.Fatal("nobody is waiting: ", err)
			}
		}
		h.exec(`commit`)
	}
}

func TestGarbageIsNoRefreshToken(t *testing.T) {
	h := newHouse(t)
	signed := h.login()
	for _, cookie := range []string{"", "x", signed.Refresh[:40], signed.Refresh + "AA", signed.Access, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"} {
		_, err := h.refresh(cookie)
		wantKind(t, err, fleet.Unauthenticated)
	}
	h.actor(signed.Access)
}

func TestLogout(t *testing.T) {
	h := newHouse(t)
	signed, other := h.login(), h.login()
	session := uuid.UUID(h.actor(signed.Access).SessionID)
	for range 2 { // the second time there is nothing to do
		if err := h.Logout(t.Context(), authn.Origin{Address: home}, signed.Refresh); err != nil {
			t.Fatal(err)
		}
	}
	_, err := h.Authenticate(t.Context(), authn.Origin{Address: home}, signed.Access)
	wantKind(t, err, fleet.Unauthenticated)
	_, err = h.refresh(signed.Refresh)
	wantKind(t, err, fleet.Unauthenticated)
	if !h.wasKicked(session) {
		t.Error("the session's live connections go on")
	}
	if n := h.audited(fleet.AuthLogout, fleet.OutcomeOK); n != 1 {
		t.Errorf("%d audit entries, want 1", n)
	}
	h.actor(other.Access)
}
