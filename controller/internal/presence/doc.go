// Package presence is the shared view of how nodes are right now: the last
// heartbeat and what the node has and uses, as keys in Redis that live for
// 30 seconds.
//
// Heartbeats enter through Note and are written in one pipeline a second.
// Views leave through Nodes. It is a projection and judges nothing: a missing
// key means "unknown", never "dead". Redis may be away, slow or emptied at any
// time; then views come from this process' memory, and nobody is bothered.
package presence
