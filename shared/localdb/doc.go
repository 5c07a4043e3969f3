// Package localdb runs a private Postgres and a private Redis out of the
// binaries that the system has installed: for lormas dev, for tests and for
// the lab. A directory goes in, the URL of a running server comes out.
//
// The servers listen on unix sockets only, in a directory that nobody but
// their own user and root can enter, so they need no password: who can reach
// the socket could read the files as well. They run as an unprivileged user
// when we are root, and the kernel stops them when this process dies.
//
// One process owns a directory at a time (a lock says so). What an owner that
// was killed has left running there is waited for, then ended.
//
// The package knows no schema and speaks no SQL: migrations and store do.
package localdb
