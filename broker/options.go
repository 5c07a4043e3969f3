package broker

import (
	"cmp"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Options is what a broker needs. Authorizer and Handler are required.
type Options struct {
	Authorizer Authorizer
	Handler    Handler
	Notice     func(Notice)          // called from the connection's own goroutine, must not block; nil: nobody is told
	Logger     *slog.Logger          // nil: slog.Default()
	Registerer prometheus.Registerer // nil: metrics are kept but not shown
	Limits     Limits                // zero fields take the value of DefaultLimits
}

// Limits bounds what a client, known or not, can make the broker spend.
type Limits struct {
	ConnectDeadline  time.Duration // from accept to the end of CONNECT
	WriteTimeout     time.Duration // a client that takes nothing for so long is cut
	TakeoverWait     time.Duration // how long a new connection waits for the older one to end
	MaxConnect       int           // bytes of a CONNECT: all that a stranger can make us hold
	MaxPacket        uint32        // bytes of any other packet
	MaxSubscriptions int           // of one connection
	ConnectRate      float64       // CONNECTs admitted per second; those above get CONNACK 3
	ConnectBurst     int
	PendingWrites    int32 // messages waiting for one client; those above are dropped
	PublishQueue     int   // messages of the controller waiting per worker
	PublishBytes     int64 // bytes of the controller's messages waiting in all
}

// DefaultLimits fits 10,000 nodes on a small machine.
func DefaultLimits() Limits {
	return Limits{
		ConnectDeadline:  5 * time.Second,
		WriteTimeout:     10 * time.Second,
		TakeoverWait:     5 * time.Second,
		MaxConnect:       16 << 10,
		MaxPacket:        1 << 20,
		MaxSubscriptions: 1024,
		ConnectRate:      500,
		ConnectBurst:     1000,
		PendingWrites:    512,
		PublishQueue:     2048,
		PublishBytes:     64 << 20,
	}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	return Limits{
		ConnectDeadline:  cmp.Or(l.ConnectDeadline, d.ConnectDeadline),
		WriteTimeout:     cmp.Or(l.WriteTimeout, d.WriteTimeout),
		TakeoverWait:     cmp.Or(l.TakeoverWait, d.TakeoverWait),
		MaxConnect:       cmp.Or(l.MaxConnect, d.MaxConnect),
		MaxPacket:        cmp.Or(l.MaxPacket, d.MaxPacket),
		MaxSubscriptions: cmp.Or(l.MaxSubscriptions, d.MaxSubscriptions),
		ConnectRate:      cmp.Or(l.ConnectRate, d.ConnectRate),
		ConnectBurst:     cmp.Or(l.ConnectBurst, d.ConnectBurst),
		PendingWrites:    cmp.Or(l.PendingWrites, d.PendingWrites),
		PublishQueue:     cmp.Or(l.PublishQueue, d.PublishQueue),
		PublishBytes:     cmp.Or(l.PublishBytes, d.PublishBytes),
	}
}
