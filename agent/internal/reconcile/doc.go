// Package reconcile brings what runs on the node to what should run: it is
// the only room that tells the engine to make, start, stop or remove a
// container.
//
// What enters: the ledger's desired set (read anew after each wake), what the
// engine has (changes as they happen, a full look every 30 s), and transient
// commands. What leaves: verbs to the engine, and observations to the ledger.
// It works the same with and without a controller, and must not know whether
// there is one.
//
//	      wake, change, step done, time
//	                 │
//	ledger ──▶ want ─┤
//	                 ├──▶ plan (pure) ──▶ steps, each a goroutine, one per container
//	engine ──▶ found ┘        │
//	                          └──▶ status, settlement (pure) ──▶ ledger
//
// One goroutine, Run's, owns all that is remembered. After each event it
// plans anew from levels: what is wanted, what was found. So an event that is
// lost costs at most one look, and one that comes twice costs nothing.
//
// The rules, all in plan.go:
//   - what is not ours goes first (it moved away, was deleted, or is of an
//     older epoch), then limits are changed, then containers are started;
//   - a container of the wanted epoch and spec is never touched;
//   - a container that ended by itself is a crash, also when somebody stopped
//     it by hand, and with exit code 0 too, as with Wings: it is started again
//     after 1 s, 2 s, … 5 min, until it has crashed 20 times in a row, which
//     takes about an hour; then it stays crashed until somebody starts or
//     changes it, or the agent begins anew;
//   - one that ended after somebody typed what it is stopped with is no crash:
//     as it should run, it is started again at once. The controller makes a
//     stop of such a line when whoever typed it may stop the container;
//   - one whose console never says that it is up stays in starting, and what
//     asked for its start counts as done when it has run for 10 min;
//   - one whose volume is not installed is installed before it is made: see
//     install.go;
//   - one that could not be made or started failed, and is tried again after
//     the same pauses;
//   - while the engine does not answer nothing is planned, and what is found
//     ended afterwards is no crash but started at once;
//   - a container that the ledger does not know is left alone.
package reconcile
