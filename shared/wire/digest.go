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
			lines = append(lines, fmt.Sprintf("%s %d %d %s %s\n", c.ID, c.Epoch, c.Generation, c.SpecHash, c.Power))
		}
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "")))
	return hex.EncodeToString(sum[:8])
}
