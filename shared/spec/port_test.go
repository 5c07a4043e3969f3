package spec_test

import (
	"testing"

	"github.com/lormas/lormas/shared/spec"
)

func TestValidatePools(t *testing.T) {
	for name, test := range map[string]struct {
		pools []spec.Pool
		field string // "": fine
	}{
		"none":             {nil, ""},
		"two":              {[]spec.Pool{{First: 1, Last: 10}, {First: 11, Last: 65535}}, ""},
		"on two addresses": {[]spec.Pool{{IP: "10.0.0.1", First: 1, Last: 10}, {IP: "10.0.0.2", First: 1, Last: 10}}, ""},
		"overlap":          {[]spec.Pool{{First: 1, Last: 10}, {IP: "10.0.0.2", First: 10, Last: 11}}, "portPools[1]"},
		"upside down":      {[]spec.Pool{{First: 10, Last: 1}}, "portPools[0]"},
		"zero":             {[]spec.Pool{{First: 0, Last: 1}}, "portPools[0]"},
		"too high":         {[]spec.Pool{{First: 1, Last: 65536}}, "portPools[0]"},
		"no address":       {[]spec.Pool{{IP: "eth0", First: 1, Last: 2}}, "portPools[0].ip"},
		"too many":         {make([]spec.Pool, 65), "portPools"},
	} {
		faults := spec.ValidatePools(test.pools)
		if test.field == "" && len(faults) > 0 || test.field != "" && (len(faults) != 1 || faults[0].Field != test.field) {
			t.Errorf("%s: %v", name, faults)
		}
	}
}
