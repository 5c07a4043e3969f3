package fleet

import (
	"fmt"
	"strings"

	"github.com/lormas/lormas/shared/spec"
)

// Shortfall says what does not fit, as an addition anyone can check: "memory
// 4g wanted, 1g free". It is empty where want fits into free.
func Shortfall(want, free spec.Resources) string {
	var parts []string
	if want.CPU > free.CPU {
		parts = append(parts, fmt.Sprintf("cpu %s wanted, %s free", want.CPU, max(free.CPU, 0)))
	}
	if want.Memory > free.Memory {
		parts = append(parts, fmt.Sprintf("memory %s wanted, %s free", want.Memory, Approximate(free.Memory)))
	}
	if want.Disk > free.Disk {
		parts = append(parts, fmt.Sprintf("disk %s wanted, %s free", want.Disk, Approximate(free.Disk)))
	}
	return strings.Join(parts, "; ")
}

// Approximate rounds an amount down to what people read easily, in a form
// that they can also write: 8345190400 bytes are "7958m". Never negative.
func Approximate(b spec.Bytes) spec.Bytes {
	switch {
	case b <= 0:
		return 0
	case b >= 100*spec.GiB:
		return b - b%spec.GiB
	case b >= spec.MiB:
		return b - b%spec.MiB
	}
	return b
}
