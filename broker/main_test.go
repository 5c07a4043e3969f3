package broker

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain also checks that no goroutine is left; two of fasthttp's only
// notice the end of their server when they wake up from a long sleep.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}
