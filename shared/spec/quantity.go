package spec

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// CPU is processor time in thousandths of a core: 1500 is one and a half
// cores. In JSON it is a number of cores (1.5).
type CPU int64

// CPUFromCores converts a number of cores, rounding to a thousandth.
func CPUFromCores(cores float64) CPU { return CPU(math.Round(cores * 1000)) }

// Cores is the amount as a number of cores.
func (c CPU) Cores() float64 { return float64(c) / 1000 }

// String is the form that people read and write: "1.5".
func (c CPU) String() string { return strconv.FormatFloat(c.Cores(), 'f', -1, 64) }

// MarshalJSON implements json.Marshaler.
func (c CPU) MarshalJSON() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalJSON implements json.Unmarshaler.
func (c *CPU) UnmarshalJSON(text []byte) error {
	var cores float64
	if err := json.Unmarshal(text, &cores); err != nil {
		return fmt.Errorf("cpu must be a number of cores such as 1.5, not %.40s", text)
	}
	*c = CPUFromCores(cores)
	return nil
}

// Bytes is an amount of memory or disk in bytes. People write it with a
// suffix, binary as in Docker's own flags: "512m" is 512 × 1024 × 1024.
type Bytes int64

// The units that ParseBytes knows.
const (
	KiB Bytes = 1 << (10 * (iota + 1))
	MiB
	GiB
	TiB
)

// ParseBytes reads "512m", "10g", "1.5GiB", "1048576" and the like: a number
// with an optional unit b, k, m, g or t, in any case, with an optional "b" or
// "ib" behind it. All units are powers of 1024.
func ParseBytes(s string) (Bytes, error) {
	fault := fmt.Errorf("%.40q is not a size: write a number with a unit, such as 512m or 10g", s)
	text := strings.ToLower(strings.TrimSpace(s))
	number := strings.TrimRight(text, "bkmgti")
	unit := strings.TrimSuffix(strings.TrimSuffix(text[len(number):], "b"), "i")
	scale := map[string]Bytes{"": 1, "k": KiB, "m": MiB, "g": GiB, "t": TiB}[unit]
	value, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || scale == 0 || math.IsNaN(value) || value < 0 {
		return 0, fault
	}
	total := value * float64(scale)
	if total > 1<<60 {
		return 0, fmt.Errorf("%.40q is too large: sizes end at 1 EiB", s)
	}
	return Bytes(math.Round(total)), nil
}

// String is the shortest exact form: "512m", "10g", or plain bytes where no
// unit divides it.
func (b Bytes) String() string {
	for _, u := range []struct {
		size Bytes
		name string
	}{{TiB, "t"}, {GiB, "g"}, {MiB, "m"}, {KiB, "k"}} {
		if b != 0 && b%u.size == 0 {
			return strconv.FormatInt(int64(b/u.size), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

// MarshalText implements encoding.TextMarshaler.
func (b Bytes) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (b *Bytes) UnmarshalText(text []byte) error {
	v, err := ParseBytes(string(text))
	*b = v
	return err
}

// Resources is an amount of each thing that a node has to give. The same
// type serves for what a container is limited to and what a node offers.
type Resources struct {
	CPU    CPU   `json:"cpu"`
	Memory Bytes `json:"memory"`
	Disk   Bytes `json:"disk"`
}

// Add is the sum.
func (r Resources) Add(o Resources) Resources {
	return Resources{CPU: r.CPU + o.CPU, Memory: r.Memory + o.Memory, Disk: r.Disk + o.Disk}
}

// Sub is what is left of r when o is taken; it may be negative.
func (r Resources) Sub(o Resources) Resources {
	return Resources{CPU: r.CPU - o.CPU, Memory: r.Memory - o.Memory, Disk: r.Disk - o.Disk}
}

// Fits reports whether r can be taken out of free.
func (r Resources) Fits(free Resources) bool {
	return r.CPU <= free.CPU && r.Memory <= free.Memory && r.Disk <= free.Disk
}
