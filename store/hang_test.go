package store_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/store/storetest"
)

// hanging passes connections on to a database, until it hangs: then it takes connections and
// whatever comes through them, and says nothing, as a server does whose process is stopped.
type hanging struct {
	url     string // of the database, by way of this
	stopped chan struct{}

	mu    sync.Mutex
	conns []net.Conn
}

func (h *hanging) cut() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.conns {
		c.Close()
	}
}

func newHanging(t *testing.T, database string) *hanging {
	t.Helper()
	behind, err := pgx.ParseConfig(database)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	by := url.URL{Scheme: "postgres", User: url.UserPassword(behind.User, behind.Password), Host: l.Addr().String(), Path: "/" + behind.Database,
		RawQuery: "sslmode=disable&connect_timeout=5"}
	h := &hanging{url: by.String(), stopped: make(chan struct{})}
	network, address := pgconn.NetworkAddress(behind.Host, behind.Port)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial(network, address)
			if err != nil {
				client.Close()
				return
			}
			h.mu.Lock()
			h.conns = append(h.conns, client, server)
			h.mu.Unlock()
			serving.Go(func() { h.pass(server, client) })
			serving.Go(func() { h.pass(client, server) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		serving.Wait()
	})
	return h
}

// pass copies until either end is closed.
func (h *hanging) pass(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		select {
		case <-h.stopped:
			_, _ = io.Copy(io.Discard, from)
			return
		default:
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func TestReadersOfADatabaseThatHangsAreToldToTryAgain(t *testing.T) {
	t.Parallel()
	h := newHanging(t, storetest.URL(t))
	s := storetest.Open(t, h.url)
	t.Cleanup(h.cut) // so that the store need not wait when it is closed
	reads := map[string]func(context.Context) error{
		"Trace":      func(ctx context.Context) error { _, err := s.Trace(ctx, traceNumber(1, 1), 10); return err },
		"Traces":     func(ctx context.Context) error { _, _, err := s.Traces(ctx, traceQuestion{}.traces()); return err },
		"TraceLogs":  func(ctx context.Context) error { _, _, err := s.TraceLogs(ctx, traceNumber(1, 1), 10); return err },
		"Logs":       func(ctx context.Context) error { _, _, err := s.Logs(ctx, query.Logs{}); return err },
		"ServiceMap": func(ctx context.Context) error { _, err := s.ServiceMap(ctx, plait.TimeRange{}); return err },
	}
	for name, read := range reads {
		if err := read(t.Context()); err != nil && !errors.Is(err, plait.ErrNotFound) {
			t.Fatalf("%s: %v", name, err)
		}
	}
	close(h.stopped)
	ask := func(limit time.Duration, check func(error) bool, want string) {
		var all sync.WaitGroup
		for name, read := range reads {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				begin := time.Now()
				if err := read(ctx); !check(err) {
					t.Errorf("%s, after %v: %v, want %s", name, time.Since(begin), err, want)
				}
			})
		}
		all.Wait()
	}
	unavailable := func(err error) bool { return errors.Is(err, plait.ErrUnavailable) }
	// A connection that was in use just now may hang until the question's time is up.
	ask(3*time.Second, func(err error) bool { return unavailable(err) || errors.Is(err, context.DeadlineExceeded) }, "an error")
	ask(30*time.Second, unavailable, "ErrUnavailable")
	// Whoever has less time than a connection may take is not to blame, either.
	ask(200*time.Millisecond, unavailable, "ErrUnavailable")
}
