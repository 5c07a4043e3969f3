// Package broker is the MQTT broker inside the controller: the only importer
// of mochi-mqtt.
//
// What enters: connections of agents and people over TCP, TLS and WebSocket;
// the controller's own messages through Publish. What leaves: messages and
// presence of agents to a Handler, in process and in order; everything else
// to whoever subscribed and may read it. What it must not know: the database,
// what a payload means (but for the will, which is checked), and why somebody
// may read a topic — that is the Authorizer's.
//
// One life of a connection:
//
//	accept ── deadline, packet limit ──▶ CONNECT ── rate ──▶ Authenticate
//	                                                            │
//	     ┌── the older connection with this client id ends ◀────┘ claim
//	     ▼
//	CONNACK ──▶ AgentConnected ──▶ Message… ──▶ will ──▶ AgentDisconnected
//
// For one node, the Handler hears AgentConnected and AgentDisconnected in
// turn: a connection that takes over waits until the older one is gone, and
// the will of the older one is dropped.
//
// Nothing queues here for an absent client: sessions are always clean. A
// message that cannot be delivered at once is dropped and counted.
package broker
