// Package uplink lets agents come to an MQTT broker that is not ours:
// mosquitto, NATS, or any other that speaks 3.1.1 and keeps clients to their
// topics. The controller is a client of it. What agents publish there comes
// out as the same calls that our own broker makes (broker.Handler); what the
// controller publishes goes in.
//
//	agents ──▶ broker ──▶ uplink ──▶ intake            (Handler)
//	                        └──────▶ people            (Relay)
//	agents ◀── broker ◀── uplink ◀── dispatch, leases  (Publish)
//
// Who somebody is, the broker knows: it must let a node publish under its own
// id only, and the node's id is then that of the topic. Connections cannot be
// seen from here. They are made up from what is heard: a session that was not
// heard before begins one, a newer session ends the older one, and so does the
// will of the session that speaks. Messages of older sessions and old wills
// come late at times, and count for nothing.
//
// After a cut of the uplink a connection may begin without an end of the one
// before: the end was not seen, and the agent is not blamed for it.
//
// A session that is met in the middle of its life, as after a takeover by
// another controller or a cut of the uplink, is asked to say hello again.
//
// The broker acknowledges to the agent what it has, not what the controller
// has; as with our own broker, an agent keeps its events until a lease says
// that they are stored (wire.Lease.AckedOutbox). Here, too, a message is
// acknowledged to the broker when intake has it in its mailroom: sessions are
// clean, so an acknowledgement that waited would bring nothing back.
//
// Nothing is relied upon but that some messages pass while both sides are
// connected, and that topics are authenticated (FAILOVER §11.2). While the
// uplink is down nobody is heard, which is a hold and not the death of nodes.
package uplink
