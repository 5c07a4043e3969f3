package fetch

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// files is a server that leads people astray.
func files(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/egg", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `{"name":"an egg"}`) })
	mux.HandleFunc("/page", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "\n<!DOCTYPE html><title>Eggs</title>") })
	mux.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("/on", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/egg", http.StatusFound) })
	mux.HandleFunc("/round", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/round", http.StatusFound) })
	mux.HandleFunc("/inside", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://[::ffff:10.1.2.3]/secret", http.StatusFound)
	})
	mux.HandleFunc("/file", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
	})
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/torn", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		fmt.Fprint(w, "half")
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func TestFetch(t *testing.T) {
	base := files(t)
	f := New(1<<20, loopback)
	for path, want := range map[string]string{
		"/egg":     "",
		"/on":      "",
		"/nothing": "404 Not Found: check the address",
		"/page":    "the address of a web page",
		"/endless": "larger than 1024 KiB",
		"/round":   "more than 5 times",
		"/inside":  "10.1.2.3, which is no public address",
		"/file":    "write the address of a file",
		"/torn":    "could not be fetched",
	} {
		file, err := f.Get(t.Context(), base+path)
		switch {
		case want == "" && (err != nil || string(file) != `{"name":"an egg"}`):
			t.Errorf("%s: %q, %v", path, file, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	f.client.Timeout = 50 * time.Millisecond
	if _, err := f.Get(t.Context(), base+"/slow"); err == nil || !strings.Contains(err.Error(), "did not come within") {
		t.Errorf("a file that does not come: %v", err)
	}
	for _, address := range []string{"", "egg.json", "ftp://example.org/egg", "file:///etc/passwd", "http://", "https://me:secret@example.org/egg", "http://a b/"} {
		if _, err := f.Get(t.Context(), address); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// Where nobody has named a network, nothing but what is public is connected
// to, by whatever name.
func TestPrivateAddressesAreNotFetched(t *testing.T) {
	base := files(t)
	port := must(url.Parse(base)).Port()
	f := New(1<<20, nil)
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "0.0.0.0", "[::ffff:127.0.0.1]", "2130706433", "127.1"} {
		file, err := f.Get(t.Context(), "http://"+host+":"+port+"/egg")
		if err == nil {
			t.Errorf("%s gave %q", host, file)
		}
	}
	if _, err := f.Get(t.Context(), base+"/egg"); err == nil || !strings.Contains(err.Error(), "--egg-networks") {
		t.Errorf("the refusal: %v", err)
	}
}

func TestIsPublic(t *testing.T) {
	for text, want := range map[string]bool{
		"1.1.1.1": true, "185.199.108.133": true, "2606:4700::1111": true,
		"10.0.0.1": false, "172.16.0.1": false, "192.168.1.1": false, "100.64.0.1": false, "169.254.169.254": false, "127.0.0.1": false,
		"0.0.0.0": false, "224.0.0.1": false, "255.255.255.255": false, "198.18.0.1": false,
		"::": false, "::1": false, "fe80::1": false, "fc00::1": false, "ff02::1": false, "64:ff9b::a00:1": false, "2002:a00:1::": false, "::7f00:1": false, "2001:db8::1": false,
	} {
		if got := isPublic(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: public is %t", text, got)
		}
	}
}

func TestRawOf(t *testing.T) {
	for page, want := range map[string]string{
		"https://github.com/some/eggs/blob/main/game/egg.json": "https://raw.githubusercontent.com/some/eggs/main/game/egg.json",
		"https://github.com/some/eggs":                         "https://github.com/some/eggs",
		"https://example.org/some/eggs/blob/main/egg.json":     "https://example.org/some/eggs/blob/main/egg.json",
	} {
		if got := rawOf(must(url.Parse(page))).String(); got != want {
			t.Errorf("%s: %s", page, got)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
