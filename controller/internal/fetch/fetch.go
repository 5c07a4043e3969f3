// Package fetch reads small files from addresses that people give. The
// controller often stands where other things can be reached that strangers
// cannot, so it connects to public addresses only, and to networks that its
// administrator has named; what counts is where a connection goes, not what a
// name resolved to earlier.
package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/spec"
)

const (
	timeout      = 20 * time.Second // for all of it, redirects included
	maxRedirects = 5
)

// Fetcher fetches files. It is safe for concurrent use.
type Fetcher struct {
	client *http.Client
	max    int64
}

// New makes a fetcher of files of at most max bytes, which also connects to
// the private networks given.
func New(max int64, private []netip.Prefix) *Fetcher {
	dialer := &net.Dialer{Timeout: timeout / 2, Control: func(_, address string, _ syscall.RawConn) error {
		return mayDial(address, private)
	}}
	return &Fetcher{max: max, client: &http.Client{
		Timeout: timeout,
		// No proxy: it would connect in our place, to wherever it likes.
		Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: 64 << 10},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return fmt.Errorf("it leads on to other addresses more than %d times", maxRedirects)
			}
			return check(r.URL)
		},
	}}
}

// Get reads the file at an address. Its errors are about the field url, and
// say what to do.
func (f *Fetcher) Get(ctx context.Context, address string) ([]byte, error) {
	file, err := f.get(ctx, address)
	if err != nil {
		out := fleet.InvalidFields(spec.Fault{Field: "url", Message: err.Error()})
		out.Message = "there is no file to be had: " + err.Error()
		return nil, out
	}
	return file, nil
}

func (f *Fetcher) get(ctx context.Context, address string) ([]byte, error) {
	at, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		return nil, errNoAddress
	}
	at = rawOf(at)
	if err := check(at); err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, errNoAddress
	}
	r.Header.Set("User-Agent", "lormas")
	r.Header.Set("Accept", "application/json, application/yaml, text/plain, */*;q=0.1")
	res, err := f.client.Do(r)
	if err != nil {
		return nil, inWords(at, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s: check the address in a browser", at.Host, res.Status)
	}
	file, err := io.ReadAll(io.LimitReader(res.Body, f.max+1))
	switch {
	case err != nil:
		return nil, inWords(at, err)
	case int64(len(file)) > f.max:
		return nil, fmt.Errorf("the file is larger than %d KiB", f.max>>10)
	case isPage(file):
		return nil, errors.New("this is the address of a web page: give that of the file itself, which pages often call raw or download")
	}
	return file, nil
}

var errNoAddress = errors.New("write the address of a file, such as https://example.org/egg.json")

func check(at *url.URL) error {
	if at.Scheme != "https" && at.Scheme != "http" || at.Hostname() == "" {
		return errNoAddress
	}
	if at.User != nil {
		return errors.New("there is a user or a password in this address: download the file yourself and send it")
	}
	return nil
}

// rawOf is the file behind a page of GitHub that shows it, whose address is
// what people have at hand.
func rawOf(at *url.URL) *url.URL {
	parts := strings.SplitN(strings.TrimPrefix(at.Path, "/"), "/", 4)
	if at.Host != "github.com" || len(parts) < 4 || parts[2] != "blob" && parts[2] != "raw" {
		return at
	}
	return &url.URL{Scheme: "https", Host: "raw.githubusercontent.com", Path: "/" + parts[0] + "/" + parts[1] + "/" + parts[3]}
}

func isPage(file []byte) bool {
	start := bytes.ToLower(bytes.TrimSpace(file[:min(len(file), 512)]))
	return bytes.HasPrefix(start, []byte("<!doctype html")) || bytes.HasPrefix(start, []byte("<html"))
}

// inWords says what kept the file from coming.
func inWords(at *url.URL, err error) error {
	var private *privateError
	var dns *net.DNSError
	var timedOut net.Error
	switch {
	case errors.As(err, &private):
		return private
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Errorf("there is no host %s: check the address", dns.Name)
	case errors.Is(err, context.Canceled):
		return errors.New("it was given up before the file had come")
	case errors.As(err, &timedOut) && timedOut.Timeout():
		return fmt.Errorf("the file did not come within %s: try again, or download it and send it", timeout)
	}
	var of *url.Error
	if errors.As(err, &of) {
		err = of.Err
	}
	return fmt.Errorf("it could not be fetched from %s: %w", at.Host, err)
}

// privateError is an address that is not public.
type privateError struct{ address netip.Addr }

func (e *privateError) Error() string {
	return fmt.Sprintf("this leads to %s, which is no public address: download the file and send it, or have the administrator start the controller with --egg-networks and that network", e.address)
}

// special are networks that look public and are not: of carriers, of
// documents and measurements, and those that wrap an address of IPv4, which
// might be any. https://www.iana.org/assignments/iana-ipv4-special-registry
// and https://www.iana.org/assignments/iana-ipv6-special-registry.
var special = func() (list []netip.Prefix) {
	for _, text := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
	} {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}()

// mayDial decides about an address that is about to be connected to.
func mayDial(address string, private []netip.Prefix) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	ip := to.Addr().Unmap().WithZone("")
	if isPublic(ip) || contains(private, ip) {
		return nil
	}
	return &privateError{ip}
}

func isPublic(ip netip.Addr) bool {
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !contains(special, ip)
}

func contains(list []netip.Prefix, ip netip.Addr) bool {
	for _, p := range list {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}
