package mqttlink

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// Cause is why there is no session.
type Cause string

// The causes.
const (
	Unreachable Cause = "unreachable" // nobody answers at the address
	Untrusted   Cause = "untrusted"   // TLS does not come about
	NotMQTT     Cause = "not mqtt"    // somebody answers, but not in MQTT
	Refused     Cause = "refused"     // the credential is not accepted
	Busy        Cause = "busy"        // the server asks to come later
	Forbidden   Cause = "forbidden"   // a subscription is not allowed
	Barred      Cause = "barred"      // May said no
	Lost        Cause = "lost"        // there was a session, and its connection broke
	Closed      Cause = "closed"      // there was a session, and Close ended it
)

// Fault is why there is no session, for a log: Error says what to do.
type Fault struct {
	Cause  Cause
	Server string
	Err    error
}

// advice is the sentence for each cause; %[1]s is the server, %[2]v what
// happened.
var advice = map[Cause]string{
	Unreachable: "cannot reach %[1]s: %[2]v: check the address, the network, and that the controller runs",
	Untrusted:   "no TLS with %[1]s: %[2]v: check the address, or name the authority that signed its certificate",
	NotMQTT:     "%[1]s does not speak MQTT: %[2]v: check the port and the path",
	Refused:     "%[1]s refused the credential: %[2]v: it was revoked, or is of another controller; give this node a new one",
	Busy:        "%[1]s is there but cannot take connections yet: %[2]v: tried again by itself",
	Forbidden:   "%[1]s allows the credential, but not its topics: %[2]v: it belongs to another node",
	Barred:      "no connection to %[1]s now: %[2]v",
	Lost:        "connection to %[1]s lost: %[2]v",
	Closed:      "connection to %[1]s given up: %[2]v",
}

// Error implements error.
func (f *Fault) Error() string { return fmt.Sprintf(advice[f.Cause], f.Server, f.Err) }

// Unwrap gives the error underneath.
func (f *Fault) Unwrap() error { return f.Err }

// dialFault explains why a connection could not be opened.
func dialFault(server *url.URL, err error) *Fault {
	cause := Unreachable
	if isTLS(err) {
		cause = Untrusted
	}
	return &Fault{Cause: cause, Server: server.Redacted(), Err: err}
}

func isTLS(err error) bool {
	var (
		record       tls.RecordHeaderError
		verification *tls.CertificateVerificationError
		alert        tls.AlertError
		authority    x509.UnknownAuthorityError
		host         x509.HostnameError
	)
	return errors.As(err, &record) || errors.As(err, &verification) || errors.As(err, &alert) ||
		errors.As(err, &authority) || errors.As(err, &host)
}

// greetingFault explains why an open connection did not become a session.
func greetingFault(server *url.URL, err error) *Fault {
	f := &Fault{Cause: NotMQTT, Server: server.Redacted(), Err: err}
	switch {
	case errors.Is(err, packets.ErrorRefusedBadUsernameOrPassword), errors.Is(err, packets.ErrorRefusedNotAuthorised),
		errors.Is(err, packets.ErrorRefusedIDRejected):
		f.Cause = Refused
	case errors.Is(err, packets.ErrorRefusedServerUnavailable):
		f.Cause = Busy
	}
	return f
}
