package app_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lormas/lormas/controller/internal/app"
	"github.com/lormas/lormas/controller/internal/fleet"
)

// certificate writes a certificate for 127.0.0.1 and its key, and answers
// who trusts it.
func certificate(t *testing.T) (cert, key string, trust *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, der []byte) string {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	trust = x509.NewCertPool()
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	trust.AddCert(parsed)
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", keyDER), trust
}

func TestTLSOnBothDoors(t *testing.T) {
	t.Parallel()
	cert, key, trust := certificate(t)
	base := testConfig(t)
	base.TLSCert, base.TLSKey, base.HTTPTLS = cert, key, true
	base.MQTTListen, base.MQTTSListen = "", "127.0.0.1:0"
	c := startController(t, base)
	if url := c.AgentURL(); !strings.HasPrefix(url, "mqtts://127.0.0.1:") {
		t.Errorf("agents are told %s", url)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trust}}}
	answer, err := client.Get(c.URL() + "/livez")
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("livez: %v, %v", answer, err)
	}
	answer.Body.Close()
	client.CloseIdleConnections()
	for i, server := range []string{c.AgentURL(), "wss" + strings.TrimPrefix(c.URL(), "https") + "/mqtt"} {
		node, token := c.enrol([]string{"by-mqtts", "by-wss"}[i])
		a := newAgent(t, node, token)
		a.tls = &tls.Config{RootCAs: trust}
		a.connect(server).hello(0).heartbeat(0)
		c.awaitState(node, fleet.NodeHealthy)
	}
}

func TestAStartWithoutRedis(t *testing.T) {
	t.Parallel()
	base := testConfig(t)
	base.RedisURL = "unix://" + filepath.Join(t.TempDir(), "nobody")
	c := startController(t, base)
	node, token := c.enrol("edge-1")
	newAgent(t, node, token).join(c)
	answer, err := http.Get(c.URL() + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(text), `"redis":"away"`) {
		t.Errorf("readyz: %s %s, %v", answer.Status, text, err)
	}
}

func TestAStartWithoutPostgres(t *testing.T) {
	t.Parallel()
	base := testConfig(t)
	base.DatabaseURL = "postgres://nobody@127.0.0.1:1/x"
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // it would wait for half a minute
	_, err := app.New(ctx, base, app.Options{Log: discard, Out: io.Discard})
	if err == nil || !strings.Contains(err.Error(), "check that it runs and that --database-url (LORMAS_DATABASE_URL) is right") {
		t.Errorf("got %v", err)
	}
	l, err := net.Listen("tcp", base.HTTPListen)
	if err != nil {
		t.Fatalf("a start that failed left its port open: %v", err)
	}
	l.Close()
}

func TestASecondStartAfterAFailedOne(t *testing.T) {
	t.Parallel()
	c := newController(t)
	second := c.config // the same ports
	if _, err := app.New(t.Context(), second, app.Options{Log: discard, Out: io.Discard}); err == nil {
		t.Fatal("two controllers on one port")
	}
	c.stop()
	c.start()
	node, token := c.enrol("edge-1")
	newAgent(t, node, token).join(c)
	if got := c.metric(`lormas_nodes{state="healthy"}`); got != "1" {
		t.Errorf("%s healthy nodes are counted", got)
	}
}

// A controller that is told to stop while it still starts, stops.
func TestAStopAtOnce(t *testing.T) {
	t.Parallel()
	c := newController(t)
	for range 10 {
		c.restart()
	}
}
