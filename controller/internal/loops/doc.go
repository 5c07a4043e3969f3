// Package loops holds the work that comes round by itself: letting time go
// by for the nodes and recording what became of them, and sweeping up what is
// late or old.
//
// A loop takes no input: each round reads the world anew, so a round that
// fails or is missed costs one interval. Decisions are made elsewhere
// (liveness); here they are written down first and told afterwards.
package loops
