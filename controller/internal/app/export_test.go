package app

import (
	"sync"
	"time"
)

// Tests are to see that a change is told at once: nothing finds it by itself.
func init() { reviewEvery = 24 * time.Hour }

// Sever takes Postgres from the controller, as if its process had been killed:
// whatever it does from here on, it can neither write nor give its lease back.
func (m *Main) Sever() {
	m.throne.Close()
	m.store.Close()
}

// OnAdmission calls once, when somebody has been found out who comes to the
// broker, and nobody remembers him yet. Call it while nobody comes.
func (m *Main) OnAdmission(happens func()) {
	once := sync.OnceFunc(happens)
	m.doorkeeper.now = func() time.Time { once(); return m.now() }
}

// Remembers reports whether anybody counts as let in.
func (m *Main) Remembers() bool { return len(m.doorkeeper.credentials()) > 0 }
