package sockets

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// serve runs a server on a port of its own.
func serve(t *testing.T, change func(*Config)) *Server {
	t.Helper()
	c := Config{
		Name: "tests", Addr: "127.0.0.1:0", MaxConnections: 8, MaxHeaderBytes: 8 << 10,
		HeaderTimeout: time.Minute, IdleTimeout: time.Minute, SendTimeout: time.Minute, ShutdownGrace: time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }),
	}
	change(&c)
	s := New(c)
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
	return s
}

func get(t *testing.T, s *Server) error {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Get("http://" + s.Addr().String())
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

func TestAServerSpeaksTheVersionsOfHTTPThatItIsToldTo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		http2        *http.HTTP2Config
		only         bool
		first, later bool // which are answered
	}{
		"HTTP/1.1": {nil, false, true, false}, "both": {&http.HTTP2Config{}, false, true, true}, "HTTP/2": {&http.HTTP2Config{}, true, false, true},
	} {
		s := serve(t, func(config *Config) {
			config.HTTP2, config.OnlyHTTP2 = c.http2, c.only
			config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) })
		})
		for _, v := range []struct {
			proto    string
			set      func(*http.Protocols, bool)
			answered bool
		}{{"HTTP/1.1", (*http.Protocols).SetHTTP1, c.first}, {"HTTP/2.0", (*http.Protocols).SetUnencryptedHTTP2, c.later}} {
			transport := &http.Transport{Protocols: new(http.Protocols)}
			v.set(transport.Protocols, true)
			resp, err := (&http.Client{Transport: transport}).Get("http://" + s.Addr().String())
			said := ""
			if err == nil {
				body, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				said = string(body)
			}
			if answered := said == v.proto; answered != v.answered {
				t.Errorf("%s: a client of %s gets %q, %v", name, v.proto, said, err)
			}
			transport.CloseIdleConnections()
		}
	}
}

func TestAnIdleConnectionOfTheBusiestAddressMakesPlace(t *testing.T) {
	t.Parallel()
	l := newListener(nil, Config{MaxConnections: 4})
	open := func(address string, idle time.Duration) *conn {
		mine, theirs := net.Pipe()
		t.Cleanup(func() { mine.Close(); theirs.Close() })
		c := &conn{Conn: mine, listener: l, address: address}
		if idle > 0 {
			c.idle.Store(time.Now().Add(-idle))
		}
		return c
	}
	lone := open("10.0.0.1", time.Hour)
	crowd := []*conn{open("10.0.0.2", time.Second), open("10.0.0.2", time.Minute), open("10.0.0.2", 0)}
	for _, c := range append(crowd, lone) {
		if !l.admit(c) {
			t.Fatal("there is no place for the first connections")
		}
	}
	if !l.admit(open("10.0.0.3", time.Nanosecond)) {
		t.Fatal("there is no place for another")
	}
	if _, there := l.open[crowd[1]]; there || len(l.open) != 4 {
		t.Error("another connection than the longest idle one of the busiest address was closed")
	}
}

func TestWhenAllConnectionsAreInUseARequestIsShedOrTheNextRefused(t *testing.T) {
	t.Parallel()
	shed := 0
	l := newListener(nil, Config{MaxConnections: 8, Shed: func() bool { shed++; return shed < 3 }})
	admitted := 0
	for range 12 {
		mine, theirs := net.Pipe()
		t.Cleanup(func() { mine.Close(); theirs.Close() })
		if l.admit(&conn{Conn: mine, listener: l}) {
			admitted++
		}
	}
	if admitted != 9 {
		t.Errorf("%d connections were admitted to 8 places, want one more for one that was shed", admitted)
	}
}

func TestAClientThatDoesNotReadIsCutOff(t *testing.T) {
	t.Parallel()
	cut := make(chan error, 1)
	s := serve(t, func(c *Config) {
		c.SendTimeout = 50 * time.Millisecond
		c.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, err := io.Copy(w, io.LimitReader(endless{}, 1<<30))
			cut <- err
		})
	})
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := <-cut; err == nil {
		t.Error("a GiB was sent to a client that reads nothing")
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestAHeadThatIsTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	s := serve(t, func(*Config) {})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Large", strings.Repeat("x", 20<<10))
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("answered %s", resp.Status)
	}
}

func TestAPortThatIsTakenIsNamed(t *testing.T) {
	t.Parallel()
	s := serve(t, func(*Config) {})
	other := New(Config{Name: "OTLP/HTTP", Addr: s.Addr().String()})
	if err := other.Listen(); err == nil {
		t.Fatal("two servers listen on one port")
	} else if got := err.Error(); got != "listen for OTLP/HTTP: listen tcp "+s.Addr().String()+": bind: address already in use" {
		t.Errorf("got %q", got)
	}
}

func TestShutdownMayBeCalledByManyAtOnce(t *testing.T) {
	t.Parallel()
	s := serve(t, func(*Config) {})
	if err := get(t, s); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	for range 10 {
		go func() { done <- s.Shutdown(context.Background()) }()
	}
	for range 10 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if err := get(t, s); err == nil {
		t.Error("a server that was shut down answers")
	}
}

func TestSendersOfOneIPv6NetworkAreOne(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]string{
		{"10.0.0.1:1", "10.0.0.1:2", "same"},
		{"10.0.0.1:1", "10.0.0.2:1", "other"},
		{"[2001:db8::1]:1", "[2001:db8::2]:1", "same"},
		{"[2001:db8::1]:1", "[2001:db8:0:1::1]:1", "other"},
	} {
		if same := Sender(c[0]) == Sender(c[1]); same != (c[2] == "same") {
			t.Errorf("%s and %s: one sender is %v", c[0], c[1], same)
		}
	}
}
