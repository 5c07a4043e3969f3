// Package lease holds the numbers and the rules by which two copies of an
// exclusive container are kept from ever running at once (FAILOVER §2, §6). It
// is pure and knows neither MQTT nor Docker: controller, agent, guard and the
// simulator decide by the same functions.
//
//	controller                              agent and guard
//	──────────                              ───────────────
//	silence > Window  ─▶ may act            send time + Soft  ─▶ asked to stop
//	                                        send time + Lease ─▶ killed,
//	                                          dead after Wakeup + Kill at most
//
// The two meet in the inequality, with Drift as the error of a clock's rate:
//
//	  Window            Lease
//	──────────  ≥  ──────────── + Wakeup + Kill
//	1 + Drift       1 − Drift
//
// A lease counts from the moment at which the heartbeat was sent that it
// answers, never from its arrival. It renews the containers that the agent's
// accepted desired set wants running, and only if that set is of the revision
// that the lease speaks of: a set that is older may still have what was moved
// away, and one that is newer no longer has it.
package lease
