package mqttlink

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Options says whom to connect to, as whom, and who is told.
type Options struct {
	Servers     []string // tried in turn: tcp:// mqtt:// tls:// ssl:// mqtts:// ws:// wss://
	ClientID    string
	Username    string
	Credentials func() string   // the password; asked before each attempt
	TLS         *tls.Config     // for the schemes that want it; nil: the system's roots
	Will        func() *Message // asked before each attempt; nil: none
	Subscribe   []Subscription
	May         func() error         // asked before each attempt; an error puts it off; nil: always
	Hurry       func() time.Duration // asked before each pause: how long it may be while somebody waits for us; nil or 0: 10 s

	KeepAlive      time.Duration // 0: 10 s
	ConnectTimeout time.Duration // for each of dialling and greeting; 0: 5 s
	PublishTimeout time.Duration // 0: 5 s

	// The callbacks. OnUp and OnDown come from Run, in turn; OnDown, with a
	// *Fault, also after each attempt that failed, but not for the goodbye
	// at the end. OnMessage comes in the order of arrival and may begin
	// before OnUp, as a subscription is answered at once; it must not block.
	OnUp      func(*Session)
	OnDown    func(error)
	OnMessage func(Message)

	// Dial opens the connection instead of the network, where a test wants
	// another one; the scheme of the server is then ignored.
	Dial func(context.Context, *url.URL) (net.Conn, error)
	// Random picks a duration in [0, max); nil: math/rand.
	Random func(max time.Duration) time.Duration
}

// Message is one message, coming or going.
type Message struct {
	Topic    string
	QoS      byte // 0 or 1
	Retained bool
	Payload  []byte
}

// Subscription asks for the messages of a topic filter.
type Subscription struct {
	Filter string
	QoS    byte
}

// schemes says which ports stand behind the schemes that are understood.
var schemes = map[string]string{
	"tcp": "1883", "mqtt": "1883",
	"tls": "8883", "ssl": "8883", "mqtts": "8883",
	"ws": "80", "wss": "443",
}

// ParseServer reads the address of a server and adds what was left out.
func ParseServer(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Hostname() == "" {
		return nil, fmt.Errorf("%.100q is not the address of a controller: write it like mqtt://host:1883 or wss://host/mqtt", address)
	}
	port, known := schemes[u.Scheme]
	switch {
	case !known:
		return nil, fmt.Errorf("%.100q begins with %s://: use tcp, mqtt, tls, ssl, mqtts, ws or wss", address, u.Scheme)
	case u.User != nil:
		return nil, fmt.Errorf("%s holds a user name or password: give the credential by itself", u.Redacted())
	}
	if u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), port)
	}
	if strings.HasPrefix(u.Scheme, "ws") && (u.Path == "" || u.Path == "/") {
		u.Path = "/mqtt"
	}
	return u, nil
}

// check finds every fault of the options at once, and fills in defaults.
func (o *Options) check() ([]*url.URL, error) {
	var faults []error
	var servers []*url.URL
	for _, address := range slices.Compact(o.Servers) {
		u, err := ParseServer(address)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		servers = append(servers, u)
	}
	if len(o.Servers) == 0 {
		faults = append(faults, errors.New("no server to connect to"))
	}
	if o.ClientID == "" {
		faults = append(faults, errors.New("no client id"))
	}
	o.fill()
	return servers, errors.Join(faults...)
}

func (o *Options) fill() {
	for _, d := range []struct {
		value    *time.Duration
		standard time.Duration
	}{{&o.KeepAlive, 10 * time.Second}, {&o.ConnectTimeout, 5 * time.Second}, {&o.PublishTimeout, 5 * time.Second}} {
		if *d.value == 0 {
			*d.value = d.standard
		}
	}
	if o.Credentials == nil {
		o.Credentials = func() string { return "" }
	}
	if o.May == nil {
		o.May = func() error { return nil }
	}
	if o.Hurry == nil {
		o.Hurry = func() time.Duration { return 0 }
	}
	if o.Will == nil {
		o.Will = func() *Message { return nil }
	}
	if o.OnUp == nil {
		o.OnUp = func(*Session) {}
	}
	if o.OnDown == nil {
		o.OnDown = func(error) {}
	}
	if o.OnMessage == nil {
		o.OnMessage = func(Message) {}
	}
	if o.Dial == nil {
		o.Dial = o.dialNetwork
	}
	if o.Random == nil {
		o.Random = func(max time.Duration) time.Duration { return rand.N(max) }
	}
}
