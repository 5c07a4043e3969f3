package app

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/lormas/lormas/controller/internal/uplink"
)

// makeUplink prepares the session with a broker that is not ours. Only the
// active controller has one: the broker knows them by one name, so that a
// newer one throws an older one out.
func (m *Main) makeUplink() error {
	if m.config.BrokerURL == "" {
		return nil
	}
	trust, err := trustIn(m.config.BrokerCA)
	if err != nil {
		return fmt.Errorf("--broker-ca: %w", err)
	}
	m.uplink = uplink.New(uplink.Options{
		URL: m.config.BrokerURL, User: m.config.BrokerUser, Password: m.config.BrokerPassword, TLS: trust,
		ClientID: m.config.BrokerUser, May: m.mayUplink, Handler: m.intake, Relay: m.outlet.relay, Log: m.log,
	})
	m.outlet.uplink = m.uplink
	return nil
}

// mayUplink keeps a controller away that has been replaced and does not know
// it yet: it would throw its successor out.
func (m *Main) mayUplink() error {
	if _, ok := m.authority(m.now()); !ok {
		return errPowerless
	}
	return nil
}

// trustIn trusts the certificates that one file's authority has signed.
func trustIn(file string) (*tls.Config, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s has no certificate in PEM", file)
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}
