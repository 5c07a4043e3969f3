// Package placement chooses the node for a container. A request and the
// candidates go in; the node, or a refusal that explains itself in counts,
// comes out. It is pure: reserving the place is the store's business, in the
// same transaction, and a place lost to somebody faster is chosen again.
//
// The order is the customer's: the preferred cluster, then any. Among the
// nodes of a tier the one wins that is least used once the container is on
// it (spread).
package placement
