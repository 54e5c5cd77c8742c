package ingest

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/tracecontext"
)

// capture is what a client of another system sent, byte by byte. testdata/captured has it, and what it becomes beside it.
type capture struct {
	name    string
	path    string // empty for a datagram
	headers []string
	traces  []string // as the client spelled their ids
}

func captures() []capture {
	json := []string{"Content-Type: " + mediaJSON}
	datadog := func(language, version string, more ...string) []string {
		return append(more, "Content-Type: "+mediaMsgpack, "Datadog-Meta-Lang: "+language, "Datadog-Meta-Tracer-Version: "+version)
	}
	return []capture{
		{"zipkin-js-v2", "/api/v2/spans", json, []string{"777f2a2d773c399e993d150e418d19b8"}},
		{"zipkin-js-v1", "/api/v1/spans", json, []string{"8bbd589e2a9b3e84b6e0d00e573f157a"}},
		{"zipkin-otel-js", "/api/v2/spans", json, []string{"796f7cedd73e1506ace03a0525df36bc"}},
		{"zipkin-collector-json", "/api/v2/spans", json, []string{"c0ffee00000000000000000000000004"}},
		{"zipkin-collector-protobuf", "/api/v2/spans", []string{"Content-Type: " + mediaProtobuf}, []string{"c0ffee00000000000000000000000005"}},
		{"jaeger-js", "/api/traces", []string{"Content-Type: " + mediaThrift}, []string{"3302a08125f7ab7141e837ecfc3ab3f7"}},
		{"xray-js", "", nil, []string{"1-6b09d352-478c9f5d7dd7489e38709066"}},
		{"xray-go-subsegment", "", nil, []string{"1-6b09d3c5-8c4cd5caeb4290527de596da"}},
		{"xray-go", "", nil, []string{"1-6b09d3c5-8c4cd5caeb4290527de596da"}},
		{"datadog-js-v0.4", "/v0.4/traces", datadog("nodejs", "5.132.0"), []string{"6b09d548000000004b65f5feebf556eb"}},
		{"datadog-js-v0.5", "/v0.5/traces", datadog("nodejs", "5.132.0"), []string{"6b09d54b00000000548122c2852da757"}},
		{"datadog-js-sampled", "/v0.4/traces", datadog("nodejs", "5.132.0"), []string{
			"6b09d5570000000015cb90d611ecf1a4", "6b09d55700000000364ff43faaef197a", "6b09d55700000000031d90a27e387588",
			"6b09d55700000000034aeca7f8062892", "6b09d5570000000005ce9c63c78ac2cd", "6b09d557000000006b39073fa79d5839",
		}},
		{"datadog-go", "/v0.4/traces", datadog("go", "v2.12.0"), []string{"6b09d54d00000000461bce59f0d05d94"}},
		{"datadog-go-sampled", "/v0.4/traces", datadog("go", "v2.12.0", "Datadog-Client-Dropped-P0-Traces: 1"), []string{"6b09d563000000005bd5040df8c95ba6"}},
	}
}

func TestWhatClientsSentReadsBackFieldByField(t *testing.T) {
	t.Parallel()
	ts := start(t, func(c *Config, _ *Deps) { c.XRayAddr = "127.0.0.1:0" })
	for _, c := range captures() {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join("testdata", "captured", c.name)
			body, err := os.ReadFile(file + ".body")
			if err != nil {
				t.Fatal(err)
			}
			c.send(t, ts, body)
			var got strings.Builder
			for _, id := range c.traces {
				ts.describe(t, &got, id)
			}
			golden := file + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("stored (-want +got; -update rewrites it):\n%s", diff)
			}
		})
	}
}

// send sends a capture as its client did, and waits until it is stored.
func (c *capture) send(t *testing.T, ts *testServer, body []byte) {
	t.Helper()
	if c.path == "" {
		ts.sendDatagram(t, body)
		return
	}
	a := ts.post(t, c.path, bytes.NewReader(body), c.headers...)
	if a.code != http.StatusOK && a.code != http.StatusAccepted || a.header.Get(storedHeader) == "0" {
		t.Fatalf("answer %d %q, %s spans are stored", a.code, a.body, a.header.Get(storedHeader))
	}
}

// sendDatagram sends a datagram to the port of X-Ray's daemon, and waits until it is counted.
func (ts *testServer) sendDatagram(t *testing.T, datagram []byte) {
	t.Helper()
	conn, err := net.Dial("udp", ts.datagrams.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	before := ts.datagramsCounted()
	if _, err := conn.Write(datagram); err != nil {
		t.Fatal(err)
	}
	for ts.datagramsCounted() == before {
		runtime.Gosched()
	}
}

func (ts *testServer) datagramsCounted() (requests int64) {
	for _, r := range ts.Intake() {
		if r.Door == "xray_udp" {
			requests += r.Requests
		}
	}
	return requests
}

// describe writes all that is stored of a trace. A resource stands before the first of the spans that share it.
func (ts *testServer) describe(t *testing.T, b *strings.Builder, spelled string) {
	t.Helper()
	c, err := tracecontext.Parse(spelled)
	if err != nil {
		t.Fatal(err)
	}
	trace, err := ts.store.Trace(t.Context(), c.TraceID, 100)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(b, "trace %s\n", c.TraceID)
	resource := ""
	for i := range trace.Spans {
		s := &trace.Spans[i]
		if r := string(s.Resource.Attributes.AppendJSON(nil)); r != resource {
			resource = r
			fmt.Fprintf(b, "resource %s\n", r)
		}
		describeSpan(b, s)
	}
}

func describeSpan(b *strings.Builder, s *plait.Span) {
	fmt.Fprintf(b, "%s %q %s", s.Kind, s.Name, s.SpanID)
	if !s.ParentSpanID.IsZero() {
		fmt.Fprintf(b, " of %s", s.ParentSpanID)
	}
	fmt.Fprintf(b, ", at %d for %dns, flags %d", s.StartNanos, s.DurationNanos(), s.Flags)
	if s.TraceState != "" {
		fmt.Fprintf(b, ", state %s", s.TraceState)
	}
	if s.Scope.Name != "" {
		fmt.Fprintf(b, ", scope %q %q", s.Scope.Name, s.Scope.Version)
	}
	if s.Status != plait.StatusUnset {
		fmt.Fprintf(b, ", %s %q", s.Status, s.StatusMessage)
	}
	fmt.Fprintf(b, "\n\t%s\n", s.Attributes.AppendJSON(nil))
	for _, e := range s.Events {
		fmt.Fprintf(b, "\tevent %q after %dns %s\n", e.Name, e.TimeNanos-s.StartNanos, e.Attributes.AppendJSON(nil))
	}
	for _, l := range s.Links {
		fmt.Fprintf(b, "\tlink to %s of %s, flags %d, state %q %s\n", l.SpanID, l.TraceID, l.Flags, l.TraceState, l.Attributes.AppendJSON(nil))
	}
}
