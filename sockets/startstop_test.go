package sockets

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// newServer makes a server that listens on addr.
func newServer(addr string, h http.HandlerFunc) *Server {
	return New(Config{
		Name: addr, Addr: addr, MaxConnections: 64, MaxHeaderBytes: 8 << 10, HeaderTimeout: time.Minute, IdleTimeout: time.Minute,
		SendTimeout: time.Minute, ShutdownGrace: time.Minute, Handler: h,
	})
}

func answerOK(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }

// services makes one of each kind, and returns its servers.
var services = map[string]func(http.HandlerFunc) (Service, []*Server){
	"server": func(h http.HandlerFunc) (Service, []*Server) {
		s := newServer("127.0.0.1:0", h)
		return s, []*Server{s}
	},
	"group": func(h http.HandlerFunc) (Service, []*Server) {
		list := []*Server{newServer("127.0.0.1:0", h), newServer("127.0.0.1:0", h)}
		return NewGroup(nil, list[0], list[1]), list
	},
}

// eachService runs a test with one of each kind.
func eachService(t *testing.T, h http.HandlerFunc, test func(*testing.T, Service, []*Server)) {
	t.Parallel()
	for name, make := range services {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, servers := make(h)
			test(t, s, servers)
		})
	}
}

// checkClosed sees to it that the ports are free again.
func checkClosed(t *testing.T, servers []*Server) {
	t.Helper()
	for _, s := range servers {
		if c, err := net.Dial("tcp", s.Addr().String()); err == nil {
			c.Close()
			t.Errorf("%s still takes connections", s.Addr())
		}
	}
}

func TestRunBeforeListenIsAnError(t *testing.T) {
	eachService(t, answerOK, func(t *testing.T, s Service, _ []*Server) {
		if err := s.Run(t.Context()); err == nil {
			t.Error("it runs without a socket")
		}
		if err := s.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestRunReturnsAtOnceWhatWasShutDownBefore(t *testing.T) {
	eachService(t, answerOK, func(t *testing.T, s Service, servers []*Server) {
		if err := s.Listen(); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.Shutdown(t.Context()), s.Run(t.Context()), s.Shutdown(t.Context())); err != nil {
			t.Error(err)
		}
		checkClosed(t, servers)
	})
}

func TestWhatListensAndIsNotRunIsClosedByShutdown(t *testing.T) {
	eachService(t, answerOK, func(t *testing.T, s Service, servers []*Server) {
		if err := errors.Join(s.Listen(), s.Shutdown(t.Context())); err != nil {
			t.Error(err)
		}
		checkClosed(t, servers)
	})
}

func TestAContextThatIsDoneStopsIt(t *testing.T) {
	eachService(t, answerOK, func(t *testing.T, s Service, servers []*Server) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := errors.Join(s.Listen(), s.Run(ctx)); err != nil {
			t.Error(err)
		}
		checkClosed(t, servers)
	})
}

// Nine goroutines stop a service, each by both ways, while clients ask it.
func TestStopsByManyLeaveNothingOpen(t *testing.T) {
	eachService(t, answerOK, func(t *testing.T, s Service, servers []*Server) {
		if err := s.Listen(); err != nil {
			t.Fatal(err)
		}
		var clients, callers sync.WaitGroup
		answered := make(chan struct{}) // closed once a client has an answer
		first := sync.OnceFunc(func() { close(answered) })
		for _, server := range servers {
			for range 4 {
				clients.Go(func() { askUntilClosed(t, server, first) })
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		callers.Go(func() {
			if err := s.Run(ctx); err != nil {
				t.Error("Run:", err)
			}
		})
		for range 9 {
			callers.Go(func() {
				<-answered
				cancel()
				if err := s.Shutdown(context.Background()); err != nil {
					t.Error("Shutdown:", err)
				}
			})
		}
		callers.Wait()
		checkClosed(t, servers)
		clients.Wait()
	})
}

// askUntilClosed asks until the port is closed. What is answered is answered whole.
func askUntilClosed(t *testing.T, s *Server, answered func()) {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	for {
		resp, err := (&http.Client{Transport: transport}).Get("http://" + s.Addr().String())
		if err != nil {
			return
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || string(body) != "ok" {
			t.Errorf("answered %q, %v", body, err)
		}
		answered()
	}
}
