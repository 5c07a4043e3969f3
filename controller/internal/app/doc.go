// Package app puts the rooms of the controller together: it makes them,
// starts them, and stops them in order. It is a value that tests run on port
// 0; the only thing it knows of the rooms is who needs whom.
//
// Start: configuration → Postgres, migrations, seed → listeners → what is
// known of the nodes → everything runs. Stop: the broker first, so that
// nobody's will speaks of nodes that are fine; then the API; then the loops;
// then the connections to Postgres and Redis.
package app
