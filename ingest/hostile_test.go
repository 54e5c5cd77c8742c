package ingest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/codes"
)

// http2Sender speaks HTTP/2 frame by frame, as no library would.
type http2Sender struct {
	t     testing.TB
	conn  net.Conn
	frame *http2.Framer
	next  uint32 // stream
}

func dialHTTP2(t testing.TB, addr string) *http2Sender {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	s := &http2Sender{t: t, conn: conn, frame: http2.NewFramer(conn, conn), next: 1}
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	if err := s.frame.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 30}); err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() { // whatever comes is read and forgotten
		defer close(gone)
		_, _ = io.Copy(io.Discard, conn)
	}()
	t.Cleanup(func() { conn.Close(); <-gone })
	return s
}

// open begins an export.
func (s *http2Sender) open() uint32 {
	s.t.Helper()
	var head bytes.Buffer
	e := hpack.NewEncoder(&head)
	for _, f := range [][2]string{
		{":method", "POST"}, {":scheme", "http"}, {":authority", "localhost"}, {":path", "/" + otlpSignals[0].service + "/Export"},
		{"content-type", "application/grpc"}, {"te", "trailers"},
	} {
		if err := e.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}); err != nil {
			s.t.Fatal(err)
		}
	}
	id := s.next
	s.next += 2
	if err := s.frame.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: head.Bytes(), EndHeaders: true}); err != nil {
		s.t.Fatal(err)
	}
	return id
}

func (s *http2Sender) data(stream uint32, b []byte) {
	s.t.Helper()
	if err := s.frame.WriteData(stream, false, b); err != nil {
		s.t.Fatal(err)
	}
}

// announce is the head of a message of n bytes.
func announce(n int) []byte { return binary.BigEndian.AppendUint32([]byte{0}, uint32(n)) }

// eventually waits until something is so, which needs others to run.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func TestStalledStreamsShutOutNobody(t *testing.T) {
	t.Parallel()
	ts := serve(t, func(c *Config, d *Deps) {
		d.Writer, c.MaxBodyBytes, c.MaxInFlightBytes = nowhere{}, 1<<20, 4<<20
		c.StallTimeout, c.BodyTimeout = time.Hour, time.Hour // so that only the shedding helps
	})
	const perConnection = 100
	for range 4 {
		s := dialHTTP2(t, ts.GRPCAddr().String())
		for range perConnection {
			s.data(s.open(), append(announce(1<<20), 0x0a))
		}
	}
	eventually(t, "the stalled streams use the memory up", func() bool { return ts.intake.budget.inUse() > 4<<20-64<<10 })
	client := coltrace.NewTraceServiceClient(ts.dial(t))
	eventually(t, "another sender is heard over gRPC", func() bool {
		_, err := client.Export(t.Context(), testTrace(1, repeat(700, strings.Repeat("x", 1000))...))
		return err == nil
	})
	if a := ts.protobuf(t, "/v1/traces", marshal(t, testTrace(2, repeat(700, strings.Repeat("x", 1000))...))); a.code != http.StatusOK {
		t.Errorf("another sender over HTTP: %d %q", a.code, a.body)
	}
}

func TestBytesOfGRPCInFlightAreWithinTheBudget(t *testing.T) {
	t.Parallel()
	ts := serve(t, func(c *Config, d *Deps) { d.Writer, c.MaxBodyBytes, c.MaxInFlightBytes = nowhere{}, 1<<20, 4<<20 })
	chunk := make([]byte, 16<<10)
	for range 4 {
		s := dialHTTP2(t, ts.GRPCAddr().String())
		for range 50 {
			id := s.open()
			s.data(id, announce(1<<20))
			s.data(id, chunk[:2<<10])
		}
	}
	eventually(t, "streams are there", func() bool { return ts.intake.budget.inUse() > 3<<20 })
	if used := ts.intake.budget.inUse(); used > 4<<20 {
		t.Errorf("%d bytes are in flight", used)
	}
	eventually(t, "a message as large as may be is read, and found malformed", func() bool {
		code, _ := ts.grpcCall(t, otlpSignals[0].service, "", make([]byte, 1<<20))
		return code == codes.InvalidArgument
	})
}

func TestAStreamThatStallsIsEnded(t *testing.T) {
	t.Parallel()
	ts := serve(t, func(c *Config, _ *Deps) { c.StallTimeout = 50 * time.Millisecond })
	for name, sent := range map[string][]byte{"nothing": nil, "a part of the head": {0, 0}, "six bytes": append(announce(1000), 1), "all but the end": framed(false, []byte{})} {
		r, w := io.Pipe()
		go func() { _, _ = w.Write(sent) }()
		code, message := grpcDo(t, http2Client(t), ts.grpcRequest(t, otlpSignals[0].service, r))
		w.Close()
		if code != codes.Unavailable || !strings.Contains(message, "did not arrive within 50ms") {
			t.Errorf("%s: %v %q", name, code, message)
		}
	}
}

func TestGRPCFramingIsChecked(t *testing.T) {
	t.Parallel()
	ts := serve(t, func(_ *Config, d *Deps) { d.Writer = nowhere{} })
	for name, c := range map[string]struct {
		body   []byte
		header string
		code   codes.Code
		says   string
	}{
		"no message":                     {nil, "", codes.InvalidArgument, "no message"},
		"a head that ends early":         {[]byte{0, 0}, "", codes.InvalidArgument, "ends early"},
		"a message that ends early":      {append(announce(10), 1), "", codes.InvalidArgument, "ends 9 bytes early"},
		"two messages":                   {append(framed(false, nil), framed(false, nil)...), "", codes.InvalidArgument, "more than one message"},
		"an unknown flag":                {[]byte{7, 0, 0, 0, 0}, "", codes.InvalidArgument, "byte 7"},
		"compressed, nobody knows how":   {[]byte{1, 0, 0, 0, 0}, "", codes.InvalidArgument, "grpc-encoding"},
		"an encoding that is not in use": {framed(false, nil), "Grpc-Encoding: gzip", codes.OK, ""},
		"more than the limit":            {announce(1 << 30), "", codes.ResourceExhausted, "the limit is 16777216"},
		"a time that is none":            {framed(false, nil), "Grpc-Timeout: soon", codes.InvalidArgument, "grpc-timeout"},
		"a time":                         {framed(false, nil), "Grpc-Timeout: 99999999H", codes.OK, ""},
	} {
		var headers []string
		if c.header != "" {
			headers = []string{c.header}
		}
		code, message := grpcDo(t, http2Client(t), ts.grpcRequest(t, otlpSignals[0].service, bytes.NewReader(c.body), headers...))
		if code != c.code || !strings.Contains(message, c.says) {
			t.Errorf("%s: %v %q, want %v with %q", name, code, message, c.code, c.says)
		}
	}
}

func TestAnAnnouncedLengthTakesNoMemory(t *testing.T) {
	t.Parallel()
	ts := serve(t, func(c *Config, d *Deps) { d.Writer, c.MaxBodyBytes, c.MaxInFlightBytes = nowhere{}, 1<<20, 4<<20 })
	for range 64 {
		conn, err := net.Dial("tcp", ts.HTTPAddr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		fmt.Fprintf(conn, "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1048575\r\n\r\n")
	}
	const each = requestCost + bodyCost*firstRead
	eventually(t, "all are waited for", func() bool { return ts.intake.budget.inUse() >= 64*each })
	if used := ts.intake.budget.inUse(); used > 64*each {
		t.Errorf("%d bytes are held for 64 requests that have sent nothing", used)
	}
	if a := ts.protobuf(t, "/v1/traces", marshal(t, testTrace(2, "a"))); a.code != http.StatusOK {
		t.Errorf("another sender: %d %q", a.code, a.body)
	}
}

func TestIdleConnectionsMakePlaceForOthers(t *testing.T) {
	t.Parallel()
	ts := serve(t, func(c *Config, d *Deps) { d.Writer, c.MaxConnections, c.HeaderTimeout = nowhere{}, 10, time.Hour })
	for _, addr := range []string{ts.HTTPAddr().String(), ts.GRPCAddr().String()} {
		for range 50 {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close() })
			fmt.Fprint(conn, "POST /v1/tra") // and no more
		}
	}
	if a := ts.protobuf(t, "/v1/traces", marshal(t, testTrace(2, "a"))); a.code != http.StatusOK {
		t.Errorf("another sender over HTTP: %d %q", a.code, a.body)
	}
	if _, err := coltrace.NewTraceServiceClient(ts.dial(t)).Export(t.Context(), testTrace(1, "a")); err != nil {
		t.Errorf("another sender over gRPC: %v", err)
	}
}

func TestConnectionsThatStallMakePlaceForOthers(t *testing.T) {
	t.Parallel()
	ts := serve(t, func(c *Config, d *Deps) {
		d.Writer, c.MaxConnections, c.StallTimeout, c.BodyTimeout = nowhere{}, 10, time.Hour, time.Hour
	})
	for range 10 {
		conn, err := net.Dial("tcp", ts.HTTPAddr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		fmt.Fprint(conn, "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n")
	}
	eventually(t, "all are waited for", func() bool { return ts.intake.budget.inUse() >= 10*requestCost })
	eventually(t, "another sender is heard", func() bool {
		conn, err := net.Dial("tcp", ts.HTTPAddr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprint(conn, "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
}

func TestASenderThatReadsNoAnswersHoldsNothing(t *testing.T) {
	t.Parallel()
	ts := serve(t, func(_ *Config, d *Deps) { d.Writer = nowhere{} })
	conn, err := net.Dial("tcp", ts.HTTPAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	request := "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n{"
	for range 1000 {
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "all are answered, or the sender is waited for without memory", func() bool { return ts.intake.budget.inUse() == 0 })
}
