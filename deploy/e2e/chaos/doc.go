// Package chaos hurts a lab at random, and judges what its containers wrote
// down meanwhile.
//
//	seed ──▶ Schedule ──▶ weather ──▶ lab ──▶ witnesses, histories ──▶ Judge ──▶ Report
//
// The schedule is made from the seed before anything begins, so that a seed
// can be played again; what the machine makes of it differs from run to run.
// A node suffers one thing at a time, as the proof of FAILOVER §6.3 assumes:
// who kills the guard starts its agent again at once. While it storms, people
// go on moving containers. Then everything is put in order, and has to come
// to rest by itself.
//
// Judge is pure: what happened goes in, the violations of the invariants of
// FAILOVER §9.1 come out. Nothing here may look into the programs.
package chaos
