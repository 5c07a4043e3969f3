// Package bench measures how fast containers come back when a node is lost:
// by Docker Swarm and by Lormas, on the same Docker engines of one lab, in one
// run, with the same image and the same faults.
//
//	            node 1                node 2 ⇄ node 3
//	Swarm       manager, drained      replicas, one after the other's victim
//	Lormas      cordoned              the same
//
// A round takes the node away on which all replicas run, and waits until all
// of them run on the other; the next round goes the other way. What counts as
// running is the other engine's own "start" event; all clocks are this
// machine's. The copies that still run on the node that was taken away are
// counted when the last one runs elsewhere.
//
// A lab and settings go in, figures come out. What is bench and what is lab
// must stay apart: nothing here may look into the programs.
package bench
