// Command lormas-demo is the web server inside the demo image: one static
// program, so that the image needs no registry. It answers on $PORT with a
// greeting ($GREETING), and ends at once when asked to.
package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	if err := run(); err != nil {
		slog.Error("the demo server ended", "error", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	address := ":" + cmp.Or(os.Getenv("PORT"), "8080")
	server := &http.Server{
		Addr:              address,
		Handler:           pages(cmp.Or(os.Getenv("GREETING"), "Hello from Lormas"), host),
		ReadHeaderTimeout: 5 * time.Second,
	}
	ended := make(chan error, 1)
	go func() { ended <- server.ListenAndServe() }()
	slog.Info("listening", "address", address)
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	slog.Info("asked to stop")
	closing, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	return server.Shutdown(closing)
}

// pages is the whole site: a greeting that counts its visitors, and a page
// for health checks.
func pages(greeting, host string) http.Handler {
	var visits atomic.Int64
	site := http.NewServeMux()
	site.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		n := visits.Add(1)
		slog.Info("visit", "number", n)
		fmt.Fprintf(w, "%s. I am container %s, and this is visit %d since I started.\n", greeting, host, n)
	})
	site.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "ok")
	})
	return site
}
