package app

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/lormas/lormas/broker"
	"github.com/lormas/lormas/shared/id"
)

// prober is the client with which the controller asks its own broker whether
// it answers. It is let in by a password that only this process knows, so that
// no database is needed, and may read nothing.
type prober struct {
	user     id.UserID
	password string
	addr     string      // of the listener
	tls      *tls.Config // nil: plain
}

const proberName = "lormas-self-probe"

func newProber() *prober { return &prober{user: id.New[id.UserID](), password: rand.Text()} }

// knows reports whether somebody is the prober.
func (p *prober) knows(c broker.Credentials) (broker.Identity, bool) {
	same := subtle.ConstantTimeCompare([]byte(c.Password), []byte(p.password)) == 1
	return broker.Identity{User: p.user, Name: proberName, CredentialID: proberName}, same && c.Username == proberName
}

// ask connects as an agent does, and waits for the answer to a ping. An answer
// that sends it away is one, too: there is somebody who listens.
func (p *prober) ask(ctx context.Context) error {
	conn, err := p.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline) // of a connection that was just made
	}
	return p.greet(conn)
}

func (p *prober) dial(ctx context.Context) (net.Conn, error) {
	if p.tls == nil {
		return new(net.Dialer).DialContext(ctx, "tcp", p.addr)
	}
	dialer := tls.Dialer{Config: p.tls}
	return dialer.DialContext(ctx, "tcp", p.addr)
}

// The first byte of MQTT's packets, as far as they are spoken here.
const (
	mqttConnect    = 0x10
	mqttConnack    = 0x20
	mqttPingreq    = 0xc0
	mqttPingresp   = 0xd0
	mqttDisconnect = 0xe0
)

func (p *prober) greet(conn net.Conn) error {
	if _, err := conn.Write(p.connect()); err != nil {
		return err
	}
	in := bufio.NewReader(conn)
	ack := make([]byte, 4)
	if _, err := io.ReadFull(in, ack); err != nil {
		return fmt.Errorf("no answer to CONNECT: %w", err)
	}
	if ack[0] != mqttConnack {
		return errors.New("what answers there does not speak MQTT")
	}
	if ack[3] != 0 {
		return nil // sent away
	}
	if _, err := conn.Write([]byte{mqttPingreq, 0}); err != nil {
		return err
	}
	if _, err := io.ReadFull(in, ack[:2]); err != nil || ack[0] != mqttPingresp {
		return fmt.Errorf("no answer to PINGREQ: %w", errors.Join(err))
	}
	_, err := conn.Write([]byte{mqttDisconnect, 0})
	return err
}

// connect is a CONNECT of MQTT 3.1.1 with a clean session.
func (p *prober) connect() []byte {
	text := func(out []byte, s string) []byte { return append(append(out, byte(len(s)>>8), byte(len(s))), s...) }
	const cleanWithCredentials, keepalive = 0xc2, 10
	body := append(text(nil, "MQTT"), 4, cleanWithCredentials, 0, keepalive)
	for _, s := range []string{proberName, proberName, p.password} {
		body = text(body, s)
	}
	return append([]byte{mqttConnect, byte(len(body))}, body...)
}

// selfProbe is how the door for agents is asked: the broker where that is not
// ours, else the MQTT listener where there is one, the API's otherwise; nil
// where nothing listens.
func (m *Main) selfProbe() func(context.Context) error {
	p := m.prober
	switch {
	case m.uplink != nil:
		return m.uplink.Probe
	case m.mqtt != nil:
		p.addr = local(m.mqtt)
		if m.config.MQTTListen == "" || m.config.MQTTSListen != "" {
			p.tls = &tls.Config{InsecureSkipVerify: true} // it asks itself, by an address that no certificate names
		}
		return p.ask
	case m.http != nil:
		return m.askAPI
	}
	return nil
}

// askAPI is for agents that come by WebSocket.
func (m *Main) askAPI(ctx context.Context) error {
	scheme := "http://"
	if m.config.HTTPTLS {
		scheme = "https://"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+local(m.http.Addr())+"/livez", nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// local is an address as this machine itself dials it.
func local(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return addr.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
