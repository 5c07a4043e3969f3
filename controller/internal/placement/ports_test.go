package placement

import (
	"slices"
	"testing"

	"github.com/lormas/lormas/shared/spec"
)

func TestFreePortComesFromThePools(t *testing.T) {
	pools := []spec.Pool{{IP: "10.0.0.1", First: 100, Last: 101}, {First: 200, Last: 201}}
	game := spec.Port{Protocol: spec.Both, Same: true}
	want := spec.Port{IP: "10.0.0.1", AutoIP: true, Host: 101, Container: 101, Protocol: spec.Both, Same: true, Auto: true}
	if got, ok := FreePort(game, pools, []spec.Port{{Host: 100, Protocol: spec.UDP}}); !ok || got != want {
		t.Errorf("beside a udp port: %+v, %v", got, ok)
	}
	full := []spec.Port{{Host: 100, Protocol: spec.TCP}, {Host: 101, Protocol: spec.TCP}}
	want = spec.Port{Host: 200, Container: 200, Protocol: spec.Both, Same: true, Auto: true}
	if got, ok := FreePort(game, pools, full); !ok || got != want {
		t.Errorf("with a full first pool: %+v, %v", got, ok)
	}
	local := spec.Port{IP: "127.0.0.1", Protocol: spec.TCP, Container: 80}
	if got, ok := FreePort(local, pools); !ok || got.Host != 200 || got.IP != "127.0.0.1" || got.Container != 80 {
		t.Errorf("on an address of its own: %+v, %v", got, ok)
	}
	if got, ok := FreePort(local, pools[:1]); ok {
		t.Errorf("an address that has no pool got %+v", got)
	}
	if got, ok := FreePort(spec.Port{Protocol: spec.TCP}, nil); !ok || got.Host != spec.DefaultPool.First {
		t.Errorf("without pools: %+v, %v", got, ok)
	}
}

func TestPortsStayWhereTheyCanOnAnotherNode(t *testing.T) {
	here := []spec.Port{
		{IP: "10.0.0.1", AutoIP: true, Host: 100, Container: 100, Protocol: spec.Both, Same: true, Auto: true},
		{Host: 20005, Container: 80, Protocol: spec.TCP, Auto: true},
	}
	there := []spec.Pool{{IP: "10.0.0.2", First: 100, Last: 110}, {First: 20000, Last: 20010}}
	got, ok := settlePorts(here, there, []spec.Port{{Host: 20005, Protocol: spec.TCP}}, nil)
	want := []spec.Port{
		{IP: "10.0.0.2", AutoIP: true, Host: 100, Container: 100, Protocol: spec.Both, Same: true, Auto: true},
		{IP: "10.0.0.2", AutoIP: true, Host: 101, Container: 80, Protocol: spec.TCP, Auto: true},
	}
	if !ok || !slices.Equal(got, want) {
		t.Errorf("moved: %+v", got)
	}
	if got, ok = settlePorts(here, []spec.Pool{{IP: "10.0.0.1", First: 100, Last: 110}}, nil, nil); !ok || !slices.Equal(got, here) {
		t.Errorf("a node with the same address and free ports gives others: %+v", got)
	}
}
