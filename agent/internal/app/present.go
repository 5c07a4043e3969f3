package app

import "github.com/lormas/lormas/agent/internal/usage"

// present is which containers the node has, and how large their volumes may
// be. While the ledger cannot be read they have no limit.
func (a *agent) present() []usage.Container {
	var out []usage.Container
	desired, err := a.ledger.Desired()
	if err != nil {
		a.log.Debug("limits of volumes are not known", "error", err)
	}
	for _, c := range a.reconciler.View().Present {
		one := usage.Container{ID: c.ID, Running: c.Running}
		if entry, wanted := desired.Containers[c.ID]; wanted {
			one.Limit = desired.Specs[entry.SpecHash].Resources.Disk
		}
		out = append(out, one)
	}
	return out
}
