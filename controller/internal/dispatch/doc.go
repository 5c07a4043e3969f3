// Package dispatch brings what was decided to the agents: desired sets and
// commands, from Postgres to MQTT.
//
// What enters: a wake after a commit, an agent's hello or pull. What leaves:
// desired and command messages, and news for people through live. It decides
// nothing but how to say it: nothing, a delta or the full list. It never
// sends what is not committed, and relies on no message arriving: an agent
// that missed one sees the newer revision in its next lease and says hello.
//
//	commit ─▶ outbox row ─▶ Wake ─▶ delta since the revision last sent,
//	                                then the commands ─▶ row deleted
//	hello ─▶ nothing | delta | full, then every open command again
//
// What the outbox has is read for a hundred nodes at once: a lost node's
// containers are news for as many nodes as they went to (BenchmarkLostContainers
// in app). What cannot be read for all is read for each half.
//
// For one node, these two take turns. A row for a node that is not there is
// deleted at once: its hello reads the truth, not the outbox.
package dispatch
