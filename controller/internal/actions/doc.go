// Package actions holds what people can do, one method a verb. Each walks the
// same stairs: authorise, load, decide, one transaction with the change, its
// job, its audit entry and its outbox rows, and then wake the dispatcher.
//
// Actors and inputs enter, fleet's nouns and errors leave. It knows nothing
// of HTTP and MQTT: the API, the CLI and tests are callers alike. Whoever is
// refused leaves an audit entry, too, outside of any transaction.
package actions
