// Package mqttlink keeps one MQTT session to a controller, for as long as it
// is asked to: it dials, waits with jitter when that fails, subscribes again
// after each connect, and tells its user when the session comes and goes and
// why. Agents, simulated agents and tests use it; it is the only room that
// imports paho.
//
//	     ┌──────────── wait ◀──────────┐
//	     ▼                             │ OnDown(why)
//	dial, CONNECT ──▶ SUBSCRIBE ──▶ session ──▶ lost, or Close(why)
//	     │                │         OnUp(session)
//	     └────────────────┴──▶ OnDown(why) ──▶ wait
//
// Sessions are clean, and no message is kept for a better day: what must not
// get lost is numbered, stored and acknowledged by whoever sends it
// (shared/wire). It does not know what the messages mean.
package mqttlink
