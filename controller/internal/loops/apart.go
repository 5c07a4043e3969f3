package loops

import (
	"context"
	"errors"

	"github.com/lormas/lormas/controller/internal/store"
)

// errDied is what a test's Before has said: nothing is tried after it.
var errDied = errors.New("the controller ends here")

// apart does work on a whole list, or where that fails on its halves: one that
// cannot be written must not hold up the others. What fails by itself is
// logged and given to alone. It returns an error when nothing can be written.
func apart[T any](ctx context.Context, m *Migrator, list []T, work func([]T) error, alone func(T, error)) error {
	if len(list) == 0 {
		return nil
	}
	err := work(list)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errDied), errors.Is(err, store.ErrDeposed), errors.Is(err, store.ErrPowerless), m.Store.Ping(ctx) != nil:
		return err
	case len(list) == 1:
		m.Log.Error("a migration does not go on; it is tried again", "error", err)
		alone(list[0], err)
		return nil
	}
	half := len(list) / 2
	return errors.Join(apart(ctx, m, list[:half], work, alone), apart(ctx, m, list[half:], work, alone))
}
