package broker

import (
	"context"
	"log/slog"
	"slices"
)

// discreet is the log handler that mochi gets. mochi logs whole packets,
// which hold payloads and passwords: only attributes known to be harmless
// pass. It also logs every stumble of a client as a warning; what we want to
// know of clients we log ourselves, so that all but errors goes to debug.
type discreet struct{ slog.Handler }

// harmless are the keys that name things and hold nothing that a client sent.
var harmless = []string{"id", "protocol", "address", "listener", "hook", "version", "keepalive", "recommended", "method"}

// Enabled asks for the level under which the record will appear.
func (d discreet) Enabled(ctx context.Context, l slog.Level) bool {
	return d.Handler.Enabled(ctx, lowered(l))
}

// Handle passes a record on without its dangerous attributes.
func (d discreet) Handle(ctx context.Context, r slog.Record) error {
	out := slog.NewRecord(r.Time, lowered(r.Level), "mqtt: "+r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		out.AddAttrs(keepHarmless([]slog.Attr{a})...)
		return true
	})
	return d.Handler.Handle(ctx, out)
}

// WithAttrs filters what With adds.
func (d discreet) WithAttrs(attrs []slog.Attr) slog.Handler {
	return discreet{d.Handler.WithAttrs(keepHarmless(attrs))}
}

// WithGroup keeps filtering within the group.
func (d discreet) WithGroup(name string) slog.Handler { return discreet{d.Handler.WithGroup(name)} }

// keepHarmless also keeps errors, which mochi makes of fixed texts.
func keepHarmless(attrs []slog.Attr) []slog.Attr {
	return slices.DeleteFunc(slices.Clone(attrs), func(a slog.Attr) bool {
		_, isError := a.Value.Any().(error)
		return !slices.Contains(harmless, a.Key) && !(a.Key == "error" && isError)
	})
}

func lowered(l slog.Level) slog.Level {
	if l >= slog.LevelError {
		return slog.LevelWarn
	}
	return slog.LevelDebug
}
