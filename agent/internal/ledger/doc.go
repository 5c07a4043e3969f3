// Package ledger is what a node knows by itself: one file, synced to disk
// with every change, that lets an agent go on after a crash, a reboot or a
// year without its controller.
//
// What enters: what the controller said (desired set, specs, commands,
// acknowledgements) and what the node saw (observations, results). What
// leaves: the desired set to reconcile, and the outbox to send. It decides
// only what belongs to keeping records: what is too old to be believed, what
// may be forgotten. It knows neither MQTT nor Docker.
//
//	desired   container → epoch, generation, spec hash, power
//	specs     hash → spec; kept while something desired or found needs them
//	epochs    container → highest epoch ever seen, 30 days longer than the rest
//	commands  id → how far it has come; 24 hours, at most 1,000 final ones
//	outbox    number → event, until the controller has it in its database
//	states    container and epoch → number of its newest state in the outbox
//	meta      ledger id, node, session, accepted and applied revision
//
// Accepted is the newest revision whose desired set is written here; applied
// is the newest one whose take-aways are done: every container that it
// removed, or moved away, is gone from the engine (FAILOVER §6.3). What it
// starts may still be in work.
//
// A file that cannot be read is set aside, never repaired: the controller
// has the truth, and containers that the new, empty ledger does not know are
// reported and left running.
package ledger
