package app_test

import (
	"net/http"
	"testing"

	"go.uber.org/goleak"
)

// A controller that has stopped leaves nothing running. What is left out is
// the tests' own Postgres, fasthttp's clock, and its cleaner, which notices
// within 10 s that its server is closed.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(closing{m},
		goleak.IgnoreAnyFunction("github.com/lormas/lormas/shared/child.Start.func1"),
		goleak.IgnoreAnyFunction("os/exec.(*Cmd).writerDescriptor.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
	)
}

// closing gives back what the tests' own HTTP client still holds.
type closing struct{ *testing.M }

func (c closing) Run() int {
	defer http.DefaultClient.CloseIdleConnections()
	return c.M.Run()
}
