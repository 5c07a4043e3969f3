// Package roster writes who may come to an MQTT broker that is not ours, and
// which topics are his, in that broker's own words: the files of mosquitto
// and of NATS. Logins go in, text comes out.
//
//	user            may publish                       may read
//	the node's id   what agents publish, under that   what agents are told, under
//	                id; its will included             that id
//	controller      everything of ours                everything of ours
//	anybody else    nothing                           nothing
//
// The broker so keeps each agent to its own node, whatever it claims to be:
// uplink takes the node's id from the topic. The rows are made from
// wire.Rules, so a new topic is in them by itself.
//
// Passwords are kept as hashes. Those of agents are hashes of 256 random bits
// already (wire.BrokerPassword), so the cheapest setting of the slow hashes
// that these brokers know will do: a fleet that returns at once is a thousand
// of them. It knows no database and no files.
package roster
