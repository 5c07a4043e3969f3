package app_test

import (
	"encoding/json"
	"net/http"
	"testing"
)

// fleetSeen is what GET /fleet says of the gates.
type fleetSeen struct {
	Held, Open, Authority bool
}

func (c *controller) fleet(bearer, method, path string) fleetSeen {
	c.t.Helper()
	request, err := http.NewRequest(method, "http://"+c.HTTPAddr()+"/api/v1"+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+bearer)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Body.Close()
	var out fleetSeen
	if err := json.NewDecoder(answer.Body).Decode(&out); err != nil || answer.StatusCode != http.StatusOK {
		c.t.Fatalf("%s %s: %s, %v", method, path, answer.Status, err)
	}
	return out
}

// People see whether nodes may be declared lost at all: a hold shuts the
// gates, its end opens them.
func TestPeopleSeeWhetherTheGatesAreOpen(t *testing.T) {
	t.Parallel()
	c := newController(t)
	bearer := c.login()
	see := func() fleetSeen { return c.fleet(bearer, http.MethodGet, "/fleet") }
	eventually(t, "the gates of a controller that has begun are open", func() bool { return see().Open })
	c.fleet(bearer, http.MethodPost, "/fleet/hold")
	eventually(t, "a hold shuts the gates", func() bool { f := see(); return f.Held && !f.Open })
	c.fleet(bearer, http.MethodPost, "/fleet/release")
	eventually(t, "the release opens them", func() bool { f := see(); return !f.Held && f.Open })
}
