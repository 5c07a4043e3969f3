package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lormas/lormas/controller/internal/authn"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/controller/internal/testkit"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

// A list lets in whoever has a credential, by what its agent will show, and
// gives nothing away.
func TestBrokerPasswords(t *testing.T) {
	url, dir := testkit.PostgresURL(t), t.TempDir()
	run(t, "migrate", "--database-url", url)
	key, err := authn.LoadOrCreateKey(filepath.Join(dir, "signing.key"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	signer := authn.NewSigner(key, nil)
	n := fleet.Node{ID: id.New[id.NodeID](), Name: "edge", CreatedAt: time.Now()}
	credential := fleet.Credential{ID: id.New[id.CredentialID](), NodeID: n.ID, CreatedAt: n.CreatedAt}
	err = db.InTx(t.Context(), func(tx *store.Tx) error {
		if err := tx.InsertNode(t.Context(), n); err != nil {
			return err
		}
		return tx.InsertCredential(t.Context(), credential, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	token, err := signer.SignNodeCredential(credential)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"broker", "passwords", "--database-url", url, "--state-dir", dir, "--broker-password", "the controller's", "--out", dir}
	for broker, files := range map[string][]string{"mosquitto": {"passwords", "acl"}, "nats": {"users.conf"}} {
		out, errs, code := run(t, append(args, "--for", broker, "--then", "echo told >> "+filepath.Join(dir, "told"))...)
		if code != 0 || !strings.Contains(out, "1 nodes and controller") {
			t.Errorf("%s: code %d\n%s%s", broker, code, out, errs)
		}
		for _, file := range files {
			text, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				t.Fatal(err)
			}
			if file != "acl" && !strings.Contains(string(text), n.ID.String()) {
				t.Errorf("%s does not name the node:\n%s", file, text)
			}
			for _, secret := range []string{token, wire.BrokerPassword(token), "the controller's"} {
				if strings.Contains(string(text)+out+errs, secret) {
					t.Errorf("%s or the screen gives %q away", file, secret)
				}
			}
			if info, err := os.Stat(filepath.Join(dir, file)); err != nil || info.Mode().Perm()&0o007 != 0 {
				t.Errorf("%s: %v, %v", file, info.Mode(), err)
			}
		}
	}
	if told, err := os.ReadFile(filepath.Join(dir, "told")); err != nil || string(told) != "told\ntold\n" {
		t.Errorf("the broker was told %q (%v)", told, err)
	}
	if _, errs, code := run(t, append(args, "--for", "nats", "--signing-key", filepath.Join(dir, "none"))...); code == 0 || !strings.Contains(errs, "--signing-key") {
		t.Errorf("without a key: code %d, %s", code, errs)
	}
	if _, errs, code := run(t, append(args, "--for", "nats", "--broker-password", strings.Repeat("x", 73))...); code == 0 || !strings.Contains(errs, "choose a shorter one") {
		t.Errorf("a long password: code %d, %s", code, errs)
	}
}
