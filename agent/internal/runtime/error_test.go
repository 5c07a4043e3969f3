package runtime_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/id"
)

func TestErrorsAreOfTheirKindAndOfTheirCause(t *testing.T) {
	err := fmt.Errorf("create: %w", &runtime.Error{Kind: runtime.ErrImage, Message: "no way", Cause: io.ErrUnexpectedEOF})
	if !errors.Is(err, runtime.ErrImage) || !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, runtime.ErrPort) {
		t.Errorf("%v is of the wrong kinds", err)
	}
	if err.Error() != "create: no way" {
		t.Errorf("it reads %q", err)
	}
	if err := runtime.Missing(id.New[id.ContainerID]()); !errors.Is(err, runtime.ErrNotFound) {
		t.Errorf("%v is not of kind %q", err, runtime.ErrNotFound)
	}
}
