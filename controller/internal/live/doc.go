// Package live tells people what changed, on the topics that are theirs
// (DESIGN §5): the retained state of containers and health of nodes, and the
// feed of the fleet.
//
// Nouns enter after the transaction that changed them was committed; MQTT
// messages leave. It never blocks and never fails its caller: the broker
// queues, and what is dropped there can be read from the API. It decides
// nothing and keeps nothing.
package live
