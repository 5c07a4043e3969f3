package app

import "time"

// Tests are to see that a change is told at once: nothing finds it by itself.
func init() { reviewEvery = 24 * time.Hour }

// Sever takes Postgres from the controller, as if its process had been killed:
// whatever it does from here on, it can neither write nor give its lease back.
func (m *Main) Sever() {
	m.throne.Close()
	m.store.Close()
}
