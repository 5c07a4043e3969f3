package httpapi

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// raw are bytes that no careful client puts into an address or a header.
var raw = map[string]string{
	"NUL": "a\x00b", "escape": "a\x1b[31mb", "no UTF-8": "a\xff\xfeb", "half a letter": "a\xc3", "tab": "a\tb",
	"SQL": `' OR '1'='1' --`, "path": "../../etc/passwd", "topic": "lormas/v1/#", "line": "a\r\nX-Injected: yes", "long": strings.Repeat("a", 300),
}

// Every parameter of every address gets every attack: it is not found or not
// right, and nobody's fault but the caller's.
func TestAttacksInEveryPath(t *testing.T) {
	h := newMatrixHouse(t)
	all := contractsOf(t, h.Server)
	tried := 0
	for _, one := range all.all {
		levels := strings.Split(one.path, "/")
		for i, level := range levels {
			if !strings.HasPrefix(level, ":") {
				continue
			}
			for name, text := range raw {
				attacked := append([]string{}, levels...)
				attacked[i] = url.PathEscape(text)
				got := h.do(call{method: one.method, path: h.path(strings.Join(attacked, "/")), bearer: h.people["superuser"].bearer, header: map[string]string{"X-Lormas-Client": "test"}})
				tried++
				if fault := all.holds(one, got); fault != "" || got.StatusCode < http.StatusBadRequest {
					t.Errorf("%s: %s in %s: %d: %s\ngot %.300s", one.route, name, level, got.StatusCode, fault, got.body)
				}
			}
		}
	}
	if tried < 100 {
		t.Errorf("only %d were tried: the test does not reach what it is for", tried)
	}
}

// What cannot be kept is refused in a query too, where a list searches.
func TestAttacksInEveryQuery(t *testing.T) {
	h := newMatrixHouse(t)
	all := contractsOf(t, h.Server)
	for _, one := range all.all {
		for _, p := range one.Parameters {
			if p.In != "query" {
				continue
			}
			for name, text := range raw {
				path := h.path(one.path) + "?" + url.Values{p.Name: {text}}.Encode()
				got := h.do(call{method: one.method, path: path, bearer: h.people["superuser"].bearer, header: map[string]string{"X-Lormas-Client": "test"}})
				if fault := all.holds(one, got); fault != "" {
					t.Errorf("%s: %s in %s: %s\ngot %.300s", one.route, name, p.Name, fault, got.body)
				}
			}
		}
	}
}

// attackedHeaders are those whose text the controller keeps or answers.
var attackedHeaders = []string{"Idempotency-Key", "If-Match", "X-Request-Id", "User-Agent", "X-Forwarded-For", "Authorization", "Cookie", "Origin", "X-Lormas-Client"}

// What stands in a header is refused or kept, and never a fault of ours; it
// adds no header to the answer.
func TestAttacksInEveryHeader(t *testing.T) {
	h := newMatrixHouse(t)
	bearer := "Bearer " + h.people["superuser"].bearer
	for _, header := range attackedHeaders {
		for name, text := range raw {
			body := fmt.Sprintf(`{"name":%q}`, strings.ToLower(header)+"-"+strings.ReplaceAll(name, " ", "-"))
			lines := map[string]string{"Authorization": bearer, "Content-Type": "application/json", "Content-Length": fmt.Sprint(len(body)), header: text}
			res := h.speak("POST /api/v1/nodes HTTP/1.1", lines, body)
			if res.StatusCode >= http.StatusInternalServerError || res.Header.Get("X-Injected") != "" {
				t.Errorf("%s in %s: %d %v: %s", name, header, res.StatusCode, res.Header, res.body)
			}
			res = h.speak("PATCH /api/v1/nodes/"+h.ids["nodes"]+" HTTP/1.1", lines, body)
			if res.StatusCode >= http.StatusInternalServerError {
				t.Errorf("%s in %s of a change: %d: %s", name, header, res.StatusCode, res.body)
			}
			who := `{"email":"nobody@lormas.test","password":"no password"}`
			lines["Content-Length"] = fmt.Sprint(len(who))
			if res = h.speak("POST /api/v1/auth/login HTTP/1.1", lines, who); res.StatusCode >= http.StatusInternalServerError {
				t.Errorf("%s in %s of a login: %d: %s", name, header, res.StatusCode, res.body)
			}
		}
	}
}

// A head that does not fit is refused in words, not by a line that breaks while
// the client still writes.
func TestAHeadThatDoesNotFitIsAnswered(t *testing.T) {
	h := newMatrixHouse(t)
	for _, size := range []int{maxHead, 4 * maxHead, maxRefused - 8*maxHead} {
		for _, body := range []string{"", strings.Repeat("b", 5*maxHead)} {
			lines := map[string]string{"X-Long": strings.Repeat("a", size), "Content-Length": fmt.Sprint(len(body))}
			h.speak("POST /api/v1/nodes HTTP/1.1", lines, body).want(t, http.StatusRequestHeaderFieldsTooLarge).problem(t)
		}
	}
}

// speak sends a request byte by byte as it is written here.
func (h *matrixHouse) speak(line string, header map[string]string, body string) answer {
	h.t.Helper()
	address := strings.TrimPrefix(h.url, "http://")
	conn := must(net.Dial("tcp", address))(h.t)
	defer conn.Close()
	var text strings.Builder
	fmt.Fprintf(&text, "%s\r\nHost: %s\r\nConnection: close\r\n", line, address)
	for name, value := range header {
		fmt.Fprintf(&text, "%s: %s\r\n", name, value)
	}
	fmt.Fprintf(&text, "\r\n%s", body)
	for piece := range slices.Chunk([]byte(text.String()), 1<<10) { // as a client does that makes it as it goes
		must(conn.Write(piece))(h.t)
	}
	res := must(http.ReadResponse(bufio.NewReader(conn), nil))(h.t)
	defer res.Body.Close()
	return answer{res, must(io.ReadAll(res.Body))(h.t)}
}
