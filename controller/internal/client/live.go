package client

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/lormas/lormas/shared/mqttlink"
)

// Live hears a topic filter until ctx ends, over MQTT on the API's own port.
// up is called whenever it is connected anew: what was said before that may
// have been missed. A session that drops is made again; what will never work
// is returned.
func (c *Client) Live(ctx context.Context, filter string, up func(), heard func(topic string, payload []byte)) error {
	bearer, err := c.session.bearer(ctx, c, false)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	options := mqttlink.Options{
		Servers:  []string{"ws" + strings.TrimPrefix(c.server, "http") + "/mqtt"},
		ClientID: "lormas-cli-" + random(), Username: "cli",
		Credentials: func() string {
			if fresh, err := c.session.bearer(ctx, c, false); err == nil {
				bearer = fresh // what is connected outlives its token only until the broker says so
			}
			return bearer
		},
		Subscribe: []mqttlink.Subscription{{Filter: filter}},
		OnUp:      func(*mqttlink.Session) { up() },
		OnMessage: func(m mqttlink.Message) { heard(m.Topic, m.Payload) },
		OnDown: func(err error) {
			if hopeless(err) {
				stop(fmt.Errorf("live news: %w", err))
			}
		},
	}
	if err := mqttlink.Run(ctx, options); err != nil {
		return err
	}
	if why := context.Cause(ctx); why != context.Canceled {
		return why
	}
	return nil
}

// hopeless reports whether trying again would end the same way.
func hopeless(err error) bool {
	var f *mqttlink.Fault
	if !errors.As(err, &f) {
		return false
	}
	switch f.Cause {
	case mqttlink.Refused, mqttlink.Forbidden, mqttlink.Untrusted, mqttlink.NotMQTT:
		return true
	case mqttlink.Unreachable, mqttlink.Busy, mqttlink.Barred, mqttlink.Lost, mqttlink.Closed:
	}
	return false
}

func random() string {
	var raw [6]byte
	rand.Read(raw[:]) // never fails
	return hex.EncodeToString(raw[:])
}
