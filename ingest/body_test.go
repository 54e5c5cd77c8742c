package ingest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"

	"github.com/plaithq/plait"
)

// zeros is a reader of n zero bytes.
func zeros(n int64) io.Reader { return io.LimitReader(zeroReader{}, n) }

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestBodiesBeyondTheLimitAreCutOff(t *testing.T) {
	t.Parallel()
	ts := serve(t, func(c *Config, _ *Deps) { c.MaxBodyBytes = 1 << 20 })
	bomb := make([]byte, 50<<20)
	for _, c := range []struct {
		name, encoding string
		body           func() io.Reader
		code           int
		says           string
	}{
		{"100 MB, announced", "", func() io.Reader { return bytes.NewReader(make([]byte, 100<<20)) }, 413, "104857600 bytes, the limit is 1048576"},
		{"100 MB, not announced", "", func() io.Reader { return zeros(100 << 20) }, 413, "more than the limit of 1048576 bytes"},
		{"gzip bomb", "gzip", func() io.Reader { return bytes.NewReader(gzipped(t, bomb)) }, 413, "1048576 bytes once decompressed"},
		{"zstd bomb", "zstd", func() io.Reader { return bytes.NewReader(zstded(t, bomb)) }, 413, "1048576 bytes once decompressed"},
		{"zstd with a huge window", "zstd", func() io.Reader {
			return bytes.NewReader(zstded(t, bomb, zstd.WithWindowSize(64<<20), zstd.WithSingleSegment(false)))
		}, 413, "zstd window of 67108864 bytes, the limit is 8388608"},
		{"not gzip", "gzip", func() io.Reader { return strings.NewReader("plain text") }, 400, "gzip: invalid header"},
		{"truncated gzip", "gzip", func() io.Reader { return bytes.NewReader(gzipped(t, []byte("some bytes"))[:20]) }, 400, "gzip: unexpected EOF"},
		{"not zstd", "zstd", func() io.Reader { return strings.NewReader("plain text") }, 400, "zstd: "},
		{"empty gzip", "gzip", func() io.Reader { return strings.NewReader("") }, 400, "gzip"},
		{"unknown encoding", "br", func() io.Reader { return strings.NewReader("x") }, 415, "send one of gzip, zstd, snappy, x-snappy-framed, deflate, zlib, lz4, or none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			headers := []string{"Content-Type: application/json"}
			if c.encoding != "" {
				headers = append(headers, "Content-Encoding: "+c.encoding)
			}
			a := ts.post(t, "/v1/traces", c.body(), headers...)
			if a.code != c.code || !strings.Contains(a.body, c.says) {
				t.Errorf("answer %d %q, want %d with %q", a.code, a.body, c.code, c.says)
			}
		})
	}
}

func TestASenderThatListensLastIsHeardOut(t *testing.T) {
	t.Parallel()
	ts := serve(t)
	conn, err := net.Dial("tcp", ts.HTTPAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const size = 20 << 20 // more than sockets hold, and little enough to be read in time on a busy machine
	fmt.Fprintf(conn, "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", size)
	if n, err := io.Copy(conn, zeros(size)); err != nil {
		t.Fatalf("after %d bytes: %v", n, err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("answered %s", answer.Status)
	}
}

func TestASenderThatStallsIsAnsweredAndHoldsLittle(t *testing.T) {
	t.Parallel()
	ts := serve(t, func(c *Config, _ *Deps) { c.BodyTimeout = 100 * time.Millisecond })
	conn, err := net.Dial("tcp", ts.HTTPAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10000000\r\n\r\n{")
	answer, err := io.ReadAll(conn) // to the end: the connection is closed, as it is in the middle of a request
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"503 Service Unavailable", "Retry-After: 1", "not all of it within 100ms"} {
		if !strings.Contains(string(answer), want) {
			t.Errorf("answer %q lacks %q", answer, want)
		}
	}
}

// stallingReader gives one byte and, when it is asked for more, looks at what is held for it.
type stallingReader struct {
	lease *lease
	held  int64
}

func (r *stallingReader) Read(p []byte) (int, error) {
	if r.held = r.lease.held; len(p) == firstRead {
		return 1, nil
	}
	return 0, io.ErrUnexpectedEOF
}

func TestAStalledBodyHoldsNoMoreThanItSent(t *testing.T) {
	s, err := New(DefaultConfig(), Deps{})
	if err != nil {
		t.Fatal(err)
	}
	b := &body{limits: &s.config, lease: s.intake.budget.lease("")}
	defer b.release()
	r := &stallingReader{lease: b.lease}
	if err := b.readAll(r, 10_000_000); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal(err)
	}
	if r.held > bodyCost*firstRead {
		t.Errorf("%d bytes are held for a body of 10 MB of which 1 byte has come", r.held)
	}
}

func TestSnappyBlocksAreReadUnderTheSameLimits(t *testing.T) {
	c := DefaultConfig()
	c.MaxBodyBytes = 1 << 20
	s, err := New(c, Deps{})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		raw  []byte
		want string
		kind error
	}{
		{"good", snappy.Encode(nil, []byte("some samples")), "some samples", nil},
		{"empty", snappy.Encode(nil, nil), "", nil},
		{"truncated", snappy.Encode(nil, []byte("some samples"))[:5], "", plait.ErrInvalid},
		{"no bytes", nil, "", plait.ErrInvalid},
		{"a bomb", snappy.Encode(nil, make([]byte, 20<<20)), "", plait.ErrTooLarge},
		{"a lie about its length", []byte{0xff, 0xff, 0xff, 0xff, 0x0f, 0}, "", plait.ErrTooLarge},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := &body{limits: &s.config, lease: s.intake.budget.lease("")}
			if err := b.grow(int64(len(test.raw))); err != nil {
				t.Fatal(err)
			}
			b.bytes = append(b.bytes, test.raw...)
			err := b.unsnappy()
			if !errors.Is(err, test.kind) || err == nil && string(b.bytes) != test.want {
				t.Errorf("got %q, %v; want %q, %v", b.bytes, err, test.want, test.kind)
			}
			b.release()
			if held := s.intake.budget.inUse(); held != 0 {
				t.Errorf("%d bytes are held by nobody", held)
			}
		})
	}
}

func TestASenderThatWaitsToBeAskedForItsBodyIsRefusedWithoutIt(t *testing.T) {
	t.Parallel()
	ts := serve(t, func(c *Config, _ *Deps) { c.MaxBodyBytes = 1 << 16 })
	conn, err := net.Dial("tcp", ts.HTTPAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = io.WriteString(conn, "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\n"+
		"Content-Length: 100000\r\nExpect: 100-continue\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	// A server that reads the body asks for it first.
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "HTTP/1.1 413 ") {
		t.Errorf("the first line of the answer is %q, error %v, want status 413", line, err)
	}
}
