package mqttlink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// farewell bounds how long the DISCONNECT may take that ends Run.
const farewell = 500 * time.Millisecond

// Run keeps a session until ctx ends, then says goodbye so that no will is
// published. It returns an error only for options that can never work.
func Run(ctx context.Context, o Options) error {
	servers, err := o.check()
	if err != nil {
		return err
	}
	failures := 0 // in a row
	for i := 0; ctx.Err() == nil; {
		began := time.Now()
		fault := o.hold(ctx, servers[i%len(servers)])
		if ctx.Err() != nil {
			return nil
		}
		o.OnDown(fault)
		had := fault.Cause == Lost || fault.Cause == Closed
		lasted := had && time.Since(began) >= lasting
		if !lasted { // else the same server again: it worked, and another may be a machine that does not answer
			i++
		}
		if lasted || fault.Cause == Closed { // who hangs up himself was not thrown out by a twin: on a link that flaps he must not be away for longer each time
			failures = 0
		}
		o.pause(ctx, fault.Cause, failures, len(servers))
		failures++
	}
	return nil
}

func (o *Options) pause(ctx context.Context, cause Cause, failures, servers int) {
	atLeast, below := wait(cause, failures, servers, o.Hurry())
	timer := time.NewTimer(atLeast + o.Random(below-atLeast))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// hold makes one session and stays until it is over.
func (o *Options) hold(ctx context.Context, server *url.URL) *Fault {
	if err := o.May(); err != nil {
		return &Fault{Cause: Barred, Server: server.Redacted(), Err: err}
	}
	s := &Session{Server: server.Redacted(), timeout: o.PublishTimeout, ended: make(chan struct{})}
	if fault := o.connect(ctx, s, server); fault != nil {
		return fault
	}
	if fault := o.subscribe(s, server); fault != nil {
		s.goodbye(fault)
		return fault
	}
	o.OnUp(s)
	select {
	case <-s.ended:
	case <-ctx.Done():
		s.goodbye(ctx.Err())
	}
	why, closed := s.reason()
	cause := Lost
	if closed {
		cause = Closed
	}
	return &Fault{Cause: cause, Server: server.Redacted(), Err: why}
}

// goodbye ends the session with a DISCONNECT, so that no will is published.
func (s *Session) goodbye(why error) {
	s.client.Disconnect(uint(farewell.Milliseconds()))
	s.finish(why)
}

// connect dials and greets. The connection breaks off when ctx ends.
func (o *Options) connect(ctx context.Context, s *Session, server *url.URL) *Fault {
	var failed error // to open the connection
	open := func(*url.URL, mqtt.ClientOptions) (net.Conn, error) {
		conn, err := o.Dial(ctx, server)
		if err != nil {
			failed = err
			return nil, err
		}
		return s.attach(conn), nil
	}
	options := o.paho(server).SetCustomOpenConnectionFn(open)
	options.OnConnectionLost = func(_ mqtt.Client, err error) { s.finish(err) }
	s.client = mqtt.NewClient(options)
	token := s.client.Connect()
	stop := context.AfterFunc(ctx, func() { s.Close(ctx.Err()) })
	defer stop()
	token.Wait() // ends: dialling and greeting each have a deadline
	switch {
	case failed != nil:
		return dialFault(server, failed)
	case token.Error() != nil:
		return greetingFault(server, token.Error())
	}
	return nil
}

// paho translates the options. What differs from its defaults was measured
// (FACTS): its own reconnecting has no jitter, without a write timeout a
// blocked connection goes unnoticed, and without a fixed version a refusal
// is tried a second time as MQTT 3.1.
func (o *Options) paho(server *url.URL) *mqtt.ClientOptions {
	options := mqtt.NewClientOptions().
		SetProtocolVersion(4).
		SetClientID(o.ClientID).
		SetUsername(o.Username).
		SetPassword(o.Credentials()).
		SetCleanSession(true).
		SetAutoReconnect(false).
		SetConnectRetry(false).
		SetOrderMatters(true).
		SetKeepAlive(o.KeepAlive).
		SetPingTimeout(5 * time.Second).
		SetConnectTimeout(o.ConnectTimeout).
		SetWriteTimeout(o.PublishTimeout).
		SetStore(mqtt.NewOrderedMemoryStore()).
		SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) {
			o.OnMessage(Message{Topic: m.Topic(), QoS: m.Qos(), Retained: m.Retained(), Payload: m.Payload()})
		})
	options.Servers = []*url.URL{server}
	if will := o.Will(); will != nil {
		options.SetBinaryWill(will.Topic, will.Payload, will.QoS, will.Retained)
	}
	return options
}

// subscribe asks for all topics in one packet and waits for the answer.
func (o *Options) subscribe(s *Session, server *url.URL) *Fault {
	if len(o.Subscribe) == 0 {
		return nil
	}
	filters := make(map[string]byte, len(o.Subscribe))
	for _, sub := range o.Subscribe {
		filters[sub.Filter] = sub.QoS
	}
	token := s.client.SubscribeMultiple(filters, nil)
	if !token.WaitTimeout(s.timeout) {
		return &Fault{Cause: Lost, Server: server.Redacted(), Err: fmt.Errorf("subscribe: %w", ErrTimeout)}
	}
	if err := token.Error(); err != nil {
		return &Fault{Cause: Lost, Server: server.Redacted(), Err: fmt.Errorf("subscribe: %w", err)}
	}
	subscribed, ok := token.(*mqtt.SubscribeToken)
	if !ok {
		return &Fault{Cause: NotMQTT, Server: server.Redacted(), Err: errors.New("the answer to SUBSCRIBE was something else")}
	}
	for filter, code := range subscribed.Result() {
		if code == 0x80 {
			return &Fault{Cause: Forbidden, Server: server.Redacted(), Err: fmt.Errorf("subscription to %s refused", filter)}
		}
	}
	return nil
}
