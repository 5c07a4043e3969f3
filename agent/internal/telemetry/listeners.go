package telemetry

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// Where the kernel lists sockets, and the state that those are in which take
// in what comes (proc_net_tcp(5), include/net/tcp_states.h): a udp socket that
// is connected to nobody is "closed".
var sockets = []struct{ file, protocol, state string }{
	{"proc/net/tcp", spec.TCP, "0A"},
	{"proc/net/tcp6", spec.TCP, "0A"},
	{"proc/net/udp", spec.UDP, "07"},
	{"proc/net/udp6", spec.UDP, "07"},
}

// busyEvery is how often the sockets are looked at: the list is long on a
// machine with many connections, and heartbeats may be a second apart.
const busyEvery = 10 * time.Second

// maxListeners bounds what is told of one machine.
const maxListeners = 512

// listeners remembers what somebody listens on besides our own containers.
type listeners struct {
	at    time.Time
	found []wire.Listener
	ours  map[spec.Port]bool // IP left out
}

// look is what others listen on. A port that one of our containers has had
// since the agent started counts as ours for as long as the agent lives:
// Docker's proxy keeps it a moment longer than the container.
func (l *listeners) look(files fs.FS, published func() []spec.Port, now time.Time) ([]wire.Listener, error) {
	if l.ours == nil {
		l.ours = map[spec.Port]bool{}
	}
	if l.found != nil && now.Sub(l.at) < busyEvery && now.After(l.at) {
		return l.others(), nil
	}
	if published != nil {
		for _, p := range published() {
			for _, protocol := range p.Protocols() {
				l.ours[spec.Port{Host: p.Host, Protocol: protocol}] = true
			}
		}
	}
	var found []wire.Listener // nil where nothing can be read
	ephemeral := readEphemeral(files)
	for _, s := range sockets {
		text, err := fs.ReadFile(files, s.file)
		if err != nil {
			continue // a kernel without IPv6, say
		}
		if found == nil {
			found = []wire.Listener{}
		}
		for line := range strings.Lines(string(text)) {
			at, listens, err := parseSocket(line, s.state)
			if err != nil {
				return nil, fmt.Errorf("read /%s: %w", s.file, err)
			}
			port := int(at.Port())
			if !listens || s.protocol == spec.UDP && port >= ephemeral.First && port <= ephemeral.Last {
				continue // who asks a name server listens there for a moment
			}
			found = append(found, wire.Listener{IP: anyOr(at.Addr()), Port: port, Protocol: s.protocol})
		}
	}
	slices.SortFunc(found, func(a, b wire.Listener) int {
		return cmp.Or(cmp.Compare(a.Port, b.Port), cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.IP, b.IP))
	})
	l.found, l.at = slices.Compact(found), now
	return l.others(), nil
}

// others leaves out what is ours.
func (l *listeners) others() []wire.Listener {
	if l.found == nil {
		return nil
	}
	others := slices.DeleteFunc(slices.Clone(l.found), func(p wire.Listener) bool {
		return l.ours[spec.Port{Host: p.Port, Protocol: p.Protocol}]
	})
	return others[:min(len(others), maxListeners)]
}

func anyOr(addr netip.Addr) string {
	if addr.IsUnspecified() {
		return ""
	}
	return addr.Unmap().String()
}

// parseSocket reads one line such as "0: 0100007F:1F90 00000000:0000 0A …".
func parseSocket(line, state string) (at netip.AddrPort, listens bool, err error) {
	fields := strings.Fields(line)
	const local, stateField = 1, 3
	if len(fields) <= stateField || fields[stateField] != state {
		return at, false, nil
	}
	ip, port, _ := strings.Cut(fields[local], ":")
	number, err := strconv.ParseUint(port, 16, 16)
	if err != nil {
		return at, false, fmt.Errorf("%q is no port", port)
	}
	raw, err := hex.DecodeString(ip)
	if err != nil {
		return at, false, fmt.Errorf("%q is no address", ip)
	}
	for i := 0; i+4 <= len(raw); i += 4 { // words in the order of the machine, which is little-endian wherever we run
		slices.Reverse(raw[i : i+4])
	}
	addr, ok := netip.AddrFromSlice(raw)
	if !ok {
		return at, false, fmt.Errorf("%q is no address", ip)
	}
	return netip.AddrPortFrom(addr, uint16(number)), true, nil
}

// readEphemeral is the range that outgoing connections get their ports from.
func readEphemeral(files fs.FS) spec.Pool {
	pool := spec.Pool{First: 32768, Last: 60999} // Linux's default
	text, err := fs.ReadFile(files, "proc/sys/net/ipv4/ip_local_port_range")
	if err == nil {
		_, _ = fmt.Sscan(string(text), &pool.First, &pool.Last) // else the default stays
	}
	return pool
}
