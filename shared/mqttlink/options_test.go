package mqttlink_test

import (
	"strings"
	"testing"

	"github.com/lormas/lormas/shared/mqttlink"
)

func TestParseServer(t *testing.T) {
	for in, want := range map[string]string{
		"mqtt://host":           "mqtt://host:1883",
		"tcp://10.0.0.1:7":      "tcp://10.0.0.1:7",
		"tls://host":            "tls://host:8883",
		"mqtts://[::1]":         "mqtts://[::1]:8883",
		"wss://host":            "wss://host:443/mqtt",
		"ws://host:7070/":       "ws://host:7070/mqtt",
		"ws://host/behind/mqtt": "ws://host:80/behind/mqtt",
	} {
		got, err := mqttlink.ParseServer(in)
		if err != nil || got.String() != want {
			t.Errorf("%s: %v, %v, want %s", in, got, err, want)
		}
	}
	for _, bad := range []string{"", "host", "host:1883", "http://host", "mqtt://", "mqtt://:1883", "unix:///run/x", "://"} {
		if got, err := mqttlink.ParseServer(bad); err == nil {
			t.Errorf("%q was read as %s", bad, got)
		}
	}
}

func TestAPasswordInTheAddressIsRefusedUnprinted(t *testing.T) {
	_, err := mqttlink.ParseServer("mqtt://user:hunter2@host")
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

func TestOptionsThatCanNeverWorkAreAnError(t *testing.T) {
	err := mqttlink.Run(t.Context(), mqttlink.Options{Servers: []string{"nowhere"}})
	if err == nil || !strings.Contains(err.Error(), "nowhere") || !strings.Contains(err.Error(), "no client id") {
		t.Errorf("not every fault is named: %v", err)
	}
}
