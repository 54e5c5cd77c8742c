package attack

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// most is what gateway and database may have together.
const most = 1 << 30

// attacks is everything that is tried. An attack begins when it is called, with what it needs to go on
// in goroutines of its own, and goes on until ctx ends. It says when it is at its height.
var attacks = []struct {
	name string
	run  func(ctx context.Context, a *attacker)
}{
	{"gRPC streams that lack the last byte of 16 MiB", func(ctx context.Context, a *attacker) {
		for range 4 {
			a.streams(ctx, 128, 16<<20-1, nil, 16<<20)
		}
	}},
	{"gRPC streams that send six bytes and stop", func(ctx context.Context, a *attacker) {
		for range 8 {
			a.streams(ctx, 128, 1, nil, 1000)
		}
	}},
	{"gRPC messages of a few kB that decompress to 16 MiB", func(ctx context.Context, a *attacker) {
		bomb := a.gzip(make([]byte, 16<<20))
		for range 2 {
			a.streams(ctx, 64, len(bomb), bomb, len(bomb))
		}
	}},
	{"HTTP bodies that are announced and do not come", func(ctx context.Context, a *attacker) {
		a.connections(ctx, 800, a.g.ingest, post("/v1/traces", "Content-Length: 1048575"))
	}},
	{"HTTP bodies of zstd that ask for a window of 8 MiB and stop", func(ctx context.Context, a *attacker) {
		start := a.zstd(make([]byte, 9<<20))
		a.connections(ctx, 100, a.g.ingest, post("/v1/traces", "Content-Encoding: zstd", "Content-Length: 1000000")+string(start[:len(start)-8]))
	}},
	{"Loki pushes of 100,000 streams", func(ctx context.Context, a *attacker) {
		var streams strings.Builder
		for i := range 100_000 {
			fmt.Fprintf(&streams, `,{"stream":{"service_name":"many","n":"%d"},"values":[["1795000000000000001","bad"]]}`, i)
		}
		a.posts(ctx, 32, "/loki/api/v1/push", `{"streams":[`+streams.String()[1:]+`]}`)
	}},
	{"lines of 16 MB, of JSON and of empty lines", func(ctx context.Context, a *attacker) {
		a.posts(ctx, 16, "/ingest/logs", strings.Repeat(`{"":0}`+"\n", 2_000_000))
		a.posts(ctx, 16, "/ingest/logs", strings.Repeat("{", 15_000_000))
		a.posts(ctx, 16, "/ingest/logs", strings.Repeat("\n", 15_000_000))
		a.posts(ctx, 16, "/ingest/logs", `{"a":[`+strings.Repeat(`{},`, 5_000_000)+`{}]}`)
	}},
	{"spans of other tracers with nothing in them, 16 MB of them", func(ctx context.Context, a *attacker) {
		const many = 15_000_000
		count := string(binary.BigEndian.AppendUint32(nil, many))
		a.postsOf(ctx, 8, "/api/v2/spans", "application/json", "["+strings.Repeat("{},", many/3)+"{}]")
		a.postsOf(ctx, 8, "/api/traces", "application/x-thrift", "\x0f\x00\x02\x0c"+count+strings.Repeat("\x00", many+1))
		a.postsOf(ctx, 8, "/v0.4/traces", "application/msgpack", "\x91\xdd"+count+strings.Repeat("\x80", many))
		a.postsOf(ctx, 8, "/v0.4/traces", "application/json", "[["+strings.Repeat("{},", many/3)+"{}]]")
		a.postsOf(ctx, 8, "/v0.4/traces", "application/msgpack", strings.Repeat("\x91", many))
		a.postsOf(ctx, 8, "/TraceSegments", "application/json", `{"TraceSegmentDocuments":["{\"subsegments\":[`+strings.Repeat("{},", many/3)+`{}]}"]}`)
	}},
	{"LogQL whose templates loop and whose expressions explode", func(ctx context.Context, a *attacker) {
		a.posts(ctx, 1, "/ingest/logs", strings.Repeat(`{"service":"victim","msg":"`+strings.Repeat("a", 1000)+`"}`+"\n", 5000))
		a.sent.Wait()
		for _, query := range []string{
			`{service_name="victim"} |~ "(((a*)*)*)*b" |~ "(a|aa)+c" |~ "(.*a){20}d"`,
			`{service_name="victim"} | regexp "(?P<x>(a?){500}a{500})"`,
			`{service_name="victim"} | line_format "{{ range 1000000 }}{{ repeat 100000 \"y\" }}{{ end }}"`,
			`{service_name="victim"} | line_format "{{ repeat 1000000 __line__ | upper | lower | b64enc }}"`,
			`sum by (x) (count_over_time({service_name="victim"} | label_format x="{{ repeat 500 __line__ }}{{ __timestamp__ }}" [5m]))`,
		} {
			a.queries(ctx, 8, query)
		}
	}},
	{"heads of requests that do not end", func(ctx context.Context, a *attacker) {
		for _, addr := range []string{a.g.ingest, a.g.grpc, a.g.api} {
			a.connections(ctx, 1500, addr, "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nX-Large: "+strings.Repeat("x", 20<<10))
		}
	}},
}

func TestNoSenderTakesAllMemoryOrShutsOutOthers(t *testing.T) {
	g := startGateway(t, buildPlait(t))
	for _, c := range attacks {
		t.Run(c.name, func(t *testing.T) {
			g.forgetPeak(t)
			a := &attacker{t: t, g: g}
			ctx, stop := context.WithCancel(t.Context())
			defer a.running.Wait()
			defer stop()
			c.run(ctx, a)
			g.hears(t)
			a.sent.Wait() // all of it has come to the gateway, or was refused
			g.hears(t)
			peak, postgres := g.memory(t)
			t.Logf("gateway at most %d MiB, Postgres %d MiB", peak>>20, postgres>>20)
			if peak+postgres > most {
				t.Errorf("gateway and database have %d MiB, want at most %d", (peak+postgres)>>20, int64(most)>>20)
			}
		})
	}
}

// attacker sends what nobody should.
type attacker struct {
	t       *testing.T
	g       *gateway
	running sync.WaitGroup // what goes on until the attack ends
	sent    sync.WaitGroup // what is being sent
}

// streams opens a connection of gRPC with n streams. Each announces a message of size bytes, sends the
// given ones of them, or zeros, and stays.
func (a *attacker) streams(ctx context.Context, n, send int, message []byte, size int) {
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: transport}
	if message == nil {
		message = make([]byte, send)
	}
	head := make([]byte, 5)
	binary.BigEndian.PutUint32(head[1:], uint32(size))
	whole := send == size
	if whole {
		head[0] = 1 // compressed
	}
	var streams sync.WaitGroup
	for range n {
		a.sent.Add(1)
		body := &staying{Reader: io.MultiReader(bytes.NewReader(head), bytes.NewReader(message)), ctx: ctx, sent: sync.OnceFunc(a.sent.Done)}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+a.g.grpc+"/opentelemetry.proto.collector.trace.v1.TraceService/Export", body)
		check(a.t, err)
		req.Header.Set("Content-Type", "application/grpc")
		req.Header.Set("Te", "trailers")
		if whole {
			req.Header.Set("Grpc-Encoding", "gzip")
		}
		streams.Go(func() {
			defer body.sent()
			if resp, err := client.Do(req); err == nil {
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		})
	}
	a.running.Go(func() {
		streams.Wait()
		transport.CloseIdleConnections()
	})
}

// staying is a body that stays open when it has been read.
type staying struct {
	io.Reader
	ctx  context.Context
	sent func()
}

func (s *staying) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err == io.EOF {
		s.sent()
		<-s.ctx.Done()
	}
	return n, err
}

// connections opens n connections, sends a text on each, and keeps them open.
func (a *attacker) connections(ctx context.Context, n int, addr, text string) {
	for range n {
		conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", addr)
		if err != nil {
			continue // refused
		}
		a.sent.Add(1)
		a.running.Go(func() {
			defer conn.Close()
			_ = conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
			_, _ = io.WriteString(conn, text)
			a.sent.Done()
			<-ctx.Done()
		})
	}
}

// posts sends n requests of JSON at the same time.
func (a *attacker) posts(ctx context.Context, n int, path, body string) {
	a.postsOf(ctx, n, path, "application/json", body)
}

// postsOf is posts for another type.
func (a *attacker) postsOf(ctx context.Context, n int, path, media, body string) {
	for range n {
		a.asks(ctx, func() (*http.Request, error) {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+a.g.ingest+path, strings.NewReader(body))
			if err == nil {
				req.Header.Set("Content-Type", media)
			}
			return req, err
		})
	}
}

// queries asks n times at the same time, and gives up after ten seconds, as whoever waits does.
func (a *attacker) queries(ctx context.Context, n int, query string) {
	for range n {
		waiting, cancel := context.WithTimeout(ctx, 10*time.Second)
		a.running.Go(func() {
			<-waiting.Done()
			cancel()
		})
		a.asks(waiting, func() (*http.Request, error) {
			return http.NewRequestWithContext(waiting, http.MethodGet, "http://"+a.g.api+"/loki/api/v1/query_range?limit=5000&query="+url.QueryEscape(query), nil)
		})
	}
}

// asks sends a request, and reads what is answered. A gateway that breaks down answers 500.
func (a *attacker) asks(ctx context.Context, request func() (*http.Request, error)) {
	req, err := request()
	check(a.t, err)
	a.sent.Add(1)
	a.running.Go(func() {
		defer a.sent.Done()
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		resp, err := client.Do(req)
		if err != nil {
			return // refused, or ended
		}
		defer resp.Body.Close()
		_, _ = io.Copy(io.Discard, resp.Body)
		if resp.StatusCode == http.StatusInternalServerError && ctx.Err() == nil {
			a.t.Errorf("%.100s is answered %s", req.URL, resp.Status)
		}
	})
}

func post(path string, headers ...string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\n%s\r\n\r\n", path, strings.Join(headers, "\r\n"))
}

func (a *attacker) gzip(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(b)
	check(a.t, err)
	check(a.t, w.Close())
	return out.Bytes()
}

func (a *attacker) zstd(b []byte) []byte {
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(8<<20))
	check(a.t, err)
	_, err = w.Write(b)
	check(a.t, err)
	check(a.t, w.Close())
	return out.Bytes()
}
