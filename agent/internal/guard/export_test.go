package guard

import (
	"testing"

	"github.com/lormas/lormas/shared/child"
	"github.com/lormas/lormas/shared/lease"
)

// What the tests outside of the package need of the rig.

func NewRig(t *testing.T) *rig { return newRig(t) }

func (r *rig) Until(what string, holds func() bool) { r.Helper(); r.until(what, holds) }

func (r *rig) Container(c lease.Copy) *child.Process { return r.container(c, lease.Exclusive) }

func Ended(p *child.Process) bool { return ended(p) }
