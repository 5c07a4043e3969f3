package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Digest identifies a desired set: equal at both ends means that nothing got
// lost on the way. Containers that should be absent do not count, as one end
// may have forgotten them already.
func Digest(set []DesiredContainer) string {
	lines := make([]string, 0, len(set))
	for _, c := range set {
		if c.Power != "absent" {
			line := fmt.Sprintf("%s %d %d %s %s", c.ID, c.Epoch, c.Generation, c.SpecHash, c.Power)
			if c.Install > 0 { // an agent that knows of none has the same digest for all others
				line += fmt.Sprintf(" %d", c.Install)
			}
			lines = append(lines, line+"\n")
		}
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "")))
	return hex.EncodeToString(sum[:8])
}
