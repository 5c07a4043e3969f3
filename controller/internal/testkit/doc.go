// Package testkit gives tests the real parts: a Postgres database and a Redis
// of their own, empty and up to date. Only tests import it.
package testkit
