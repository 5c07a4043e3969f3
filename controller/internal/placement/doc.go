// Package placement chooses the node for a container. A request and the
// candidates go in; the node, or a refusal that explains itself in counts,
// comes out. It is pure: reserving the place is the store's business, in the
// same transaction, and a place lost to somebody faster is chosen again.
//
// The order is the customer's: the preferred cluster, then the cluster that
// the container leaves, then any. Among the nodes of a tier the one wins that
// is least used once the container is on it (spread), or most (binpack), with
// points off for siblings of the same group, for starts on their way to it and
// for flapping.
//
//	Choose    one container, all nodes looked at
//	Batch     all of a lost node, urgent and large ones first; each sees what
//	          those before it took, and a few random nodes do in a large tier
//	Confirm   the same checks on fresh ledgers under their lock, and the ports
package placement
