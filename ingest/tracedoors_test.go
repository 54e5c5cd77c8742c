package ingest

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
)

// traceDoor is a way in for spans over HTTP, with the checkout in its format. All of them pass the same tests.
type traceDoor struct {
	name    string
	path    string
	method  string // POST when empty
	headers []string
	code    int // of success
	// checkout is the trace of testTraceID(number): a server's span, and below it a client's that failed.
	checkout func(t testing.TB, number byte) []byte
	// flawed is the checkout of a number, and beside it one more span, which cannot be taken.
	flawed func(t testing.TB, number byte) []byte
	// reason is what the sender is told of that span.
	reason string
	// malformed is what can be read not at all.
	malformed string
	// want is what is stored; wantCheckout when empty.
	want string
}

// The checkout's times, in nanoseconds.
const (
	checkoutStart = 1_795_000_000_000_000_000
	checkoutTook  = 250_000_000
	chargeStart   = checkoutStart + 10_000_000
	chargeTook    = 120_000_000
)

const wantCheckout = `server shop "GET /cart" 0102030405060701<0000000000000000 +0 250ms unset "" http.method="GET"
client shop "charge card" 0102030405060702<0102030405060701 +10ms 120ms error "refused" 
`

// traceDoors are all ways in for spans over HTTP but OTLP's.
func traceDoors() []traceDoor {
	return slices.Concat(zipkinDoors(), jaegerDoors(), datadogDoors(), xrayDoors())
}

// outline is the spans of a trace in a line each.
func (ts *testServer) outline(t testing.TB, id plait.TraceID) string {
	t.Helper()
	trace, err := ts.store.Trace(t.Context(), id, 100)
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for i := range trace.Spans {
		s := &trace.Spans[i]
		method := ""
		if v, ok := s.Attributes.Get("http.method"); ok {
			method = "http.method=" + string(v.AppendJSON(nil))
		}
		fmt.Fprintf(&b, "%s %s %q %s<%x +%s %s %s %q %s\n", s.Kind, s.Resource.Service(), s.Name, s.SpanID, s.ParentSpanID[:],
			nanos(s.StartNanos-checkoutStart), nanos(s.DurationNanos()), s.Status, s.StatusMessage, method)
	}
	return b.String()
}

// nanos writes a duration in milliseconds if it is a whole number of them.
func nanos(n int64) string {
	switch {
	case n == 0:
		return "0"
	case n%1_000_000 == 0:
		return fmt.Sprint(n/1_000_000, "ms")
	}
	return fmt.Sprint(n, "ns")
}

func (d *traceDoor) send(t testing.TB, ts *testServer, body []byte, headers ...string) answered {
	t.Helper()
	method := d.method
	if method == "" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+ts.HTTPAddr().String()+d.path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range append(headers, d.headers...) {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	return ts.do(t, req)
}

// eachTraceDoor runs a test for each door, with a number for its trace.
func eachTraceDoor(t *testing.T, test func(t *testing.T, d *traceDoor, number byte)) {
	for i, d := range traceDoors() {
		t.Run(d.name, func(t *testing.T) { test(t, &d, byte(i)) })
	}
}

func TestATraceReadsBackWhateverDoorItCameIn(t *testing.T) {
	t.Parallel()
	ts := start(t)
	eachTraceDoor(t, func(t *testing.T, d *traceDoor, number byte) {
		want := d.want
		if want == "" {
			want = wantCheckout
		}
		body := d.checkout(t, number)
		for i, known := range []string{"0", "2", "2"} { // a repeated request is stored once
			headers, sent := []string(nil), body
			if i == 2 {
				headers, sent = []string{"Content-Encoding: gzip"}, gzipped(t, body)
			}
			a := d.send(t, ts, sent, headers...)
			if a.code != d.code || a.header.Get(knownHeader) != known {
				t.Fatalf("time %d: answer %d %q, %s spans were known", i+1, a.code, a.body, a.header.Get(knownHeader))
			}
		}
		if diff := cmp.Diff(want, ts.outline(t, testTraceID(number))); diff != "" {
			t.Errorf("stored (-want +got):\n%s", diff)
		}
	})
	if n := len(ts.observer.seen()); n != 2*len(traceDoors()) {
		t.Errorf("the observer of spans has seen %d, want each once: %d", n, 2*len(traceDoors()))
	}
}

func TestABadSpanIsRefusedAloneAtEachDoor(t *testing.T) {
	t.Parallel()
	ts := start(t)
	eachTraceDoor(t, func(t *testing.T, d *traceDoor, number byte) {
		a := d.send(t, ts, d.flawed(t, number))
		if a.code != d.code || !strings.Contains(a.body, d.reason) {
			t.Errorf("answer %d %q, want %d and the reason %q", a.code, a.body, d.code, d.reason)
		}
		if got := strings.Count(ts.outline(t, testTraceID(number)), "\n"); got != 2 {
			t.Errorf("%d spans are stored beside the bad one, want 2", got)
		}
	})
}

func TestEachTraceDoorRefusesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	ts := serve(t, func(c *Config, _ *Deps) { c.MaxBodyBytes = minBodyBytes })
	eachTraceDoor(t, func(t *testing.T, d *traceDoor, number byte) {
		for name, c := range map[string]struct {
			body    []byte
			headers []string
			code    int
		}{
			"what is malformed":      {[]byte(d.malformed), nil, http.StatusBadRequest},
			"what ends early":        {shortened(d.checkout(t, number)), nil, http.StatusBadRequest},
			"what is too long":       {make([]byte, minBodyBytes+1), nil, http.StatusRequestEntityTooLarge},
			"a bomb":                 {gzipped(t, make([]byte, 10<<20)), []string{"Content-Encoding: gzip"}, http.StatusRequestEntityTooLarge},
			"text that is no gzip":   {[]byte("hello"), []string{"Content-Encoding: gzip"}, http.StatusBadRequest},
			"a coding of tomorrow":   {d.checkout(t, number), []string{"Content-Encoding: br2"}, http.StatusUnsupportedMediaType},
			"a page of another site": {d.checkout(t, number), []string{"Origin: https://evil.example"}, http.StatusForbidden},
		} {
			if a := d.send(t, ts, c.body, c.headers...); a.code != c.code || a.body == "" {
				t.Errorf("%s: answer %d %q, want %d", name, a.code, a.body, c.code)
			}
		}
		media := *d
		media.headers = []string{"Content-Type: text/plain"}
		if a := media.send(t, ts, d.checkout(t, number)); a.code != http.StatusUnsupportedMediaType || !strings.Contains(a.body, "send ") {
			t.Errorf("text/plain: answer %d %q", a.code, a.body)
		}
	})
}

// shortened leaves out the end of a body.
func shortened(body []byte) []byte { return body[:len(body)-1] }

func TestEachTraceDoorAsksToComeBackWhenThereIsNoMemory(t *testing.T) {
	t.Parallel()
	ts := serve(t)
	l := ts.intake.budget.lease("somebody else")
	defer l.release()
	if err := l.grow(ts.config.MaxInFlightBytes - 1); err != nil {
		t.Fatal(err)
	}
	eachTraceDoor(t, func(t *testing.T, d *traceDoor, number byte) {
		if a := d.send(t, ts, d.checkout(t, number)); a.code != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" {
			t.Errorf("answer %d %q, come back after %q", a.code, a.body, a.header.Get("Retry-After"))
		}
	})
}

func TestEachTraceDoorAsksToComeBackWithoutADatabase(t *testing.T) {
	t.Parallel()
	ts := serve(t, func(_ *Config, d *Deps) { d.Writer = noDatabase{} })
	eachTraceDoor(t, func(t *testing.T, d *traceDoor, number byte) {
		if a := d.send(t, ts, d.checkout(t, number)); a.code != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
			t.Errorf("answer %d %q, come back after %q", a.code, a.body, a.header.Get("Retry-After"))
		}
	})
}

// noDatabase is a Writer whose database is out of reach.
type noDatabase struct{ Writer }

func (noDatabase) WriteTraces(context.Context, *plait.Traces) (plait.Receipt, error) {
	return plait.Receipt{}, plait.ErrUnavailable
}
