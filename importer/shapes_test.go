package importer

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestPayloadsOfWhatIsNoTelemetry(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{}`, `{"trace":{}}`, `{"trace":5}`, `{"trace":{"spans":[]}}`, `{"data":[{"resourceSpans":[]}]}`, `{"level":"info","msg":"resourceSpans"}`} {
		if _, err := payloadsOf([]byte(text)); !errors.Is(err, errNotTelemetry) {
			t.Errorf("%s: %v, want that it is no telemetry", text, err)
		}
	}
}

func TestOldNamesAndIDsAreReadWhereTheyAreKeys(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"resourceSpans":[{"instrumentationLibrarySpans":[{"instrumentationLibrary":{}}]}]}`:          `{"resourceSpans":[{"scopeSpans":[{"scope":{}}]}]}`,
		`{"resourceSpans":[{"key":"instrumentationLibrary","instrumentationLibrary": "x"}]}`:           `{"resourceSpans":[{"key":"instrumentationLibrary","scope": "x"}]}`,
		`{"resourceSpans":[{"traceId":"8eHQaKvN7wEjRWeJob9T7A==","parent_span_id" : "obLD1ACny0E="}]}`: `{"resourceSpans":[{"traceId":"f1e1d068abcdef0123456789a1bf53ec","parent_span_id" : "a1b2c3d400a7cb41"}]}`,
		`{"resourceSpans":[{"key":"traceId","stringValue":"8eHQaKvN7wEjRWeJob9T7A=="}]}`:               `{"resourceSpans":[{"key":"traceId","stringValue":"8eHQaKvN7wEjRWeJob9T7A=="}]}`,
		`{"resourceSpans":[{"traceId":"=","spanId":"obLD1AC0E==="}]}`:                                  `{"resourceSpans":[{"traceId":"=","spanId":"obLD1AC0E==="}]}`,
	} {
		payloads, err := payloadsOf([]byte(text))
		if err != nil || len(payloads) != 1 || string(payloads[0].body) != want {
			t.Errorf("%s is %v with error %v, want %s", text, payloads, err, want)
		}
	}
}

func TestArraysMayHoldBareNumberWords(t *testing.T) {
	t.Parallel()
	var bodies []string
	err := readArray(strings.NewReader(`[{"resourceMetrics":[{"asDouble":NaN}]}, {"resourceMetrics":[-Infinity]}]`), func(p payload) error {
		bodies = append(bodies, string(p.body))
		return nil
	})
	if want := []string{`{"resourceMetrics":[{"asDouble":"NaN"}]}`, `{"resourceMetrics":["-Infinity"]}`}; err != nil || !slices.Equal(bodies, want) {
		t.Errorf("got %q and %v, want %q", bodies, err, want)
	}
}

func TestFilesAreReadAsToolsWriteThem(t *testing.T) {
	t.Parallel()
	zipkin := func(name string) string {
		return `{"traceId":"1","id":"1","name":"` + name + `","timestamp":1700000000000000}`
	}
	for name, c := range map[string]struct {
		file string
		want []string // what the payloads hold
	}{
		"OTLP behind a byte order mark":   {"\ufeff" + `{"resourceSpans":[]}`, []string{`{"resourceSpans":[]}`}},
		"Zipkin behind a byte order mark": {"\ufeff[" + zipkin("one") + "]", []string{"one"}},
		"Zipkin's answer to a search":     {"[[" + zipkin("one") + "," + zipkin("two") + "],\n[],[" + zipkin("three") + "]]", []string{"one", "two", "three"}},
		"an answer of nothing":            {"[[]]", nil},
	} {
		var bodies strings.Builder
		err := readTelemetry(t.Context(), Source{Name: "file", in: strings.NewReader(c.file)}, "", new(atomic.Int64), func(p payload) error {
			bodies.Write(p.body)
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, want := range c.want {
			if !strings.Contains(bodies.String(), want) {
				t.Errorf("%s became %q, without %s", name, bodies.String(), want)
			}
		}
	}
}

func TestShiftKeepsTimesInRange(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		nanos, want int64
		by          time.Duration
	}{{1e18, 1e18 + 5, 5}, {math.MaxInt64 - 1, math.MaxInt64, 5}, {1e18, 1, -2e18}} {
		p := payload{signal: "logs", json: true, body: fmt.Appendf(nil, `{"timeUnixNano":"%d"}`, c.nanos)}
		if err := p.shift(c.by); err != nil || string(p.body) != fmt.Sprintf(`{"timeUnixNano":"%d"}`, c.want) {
			t.Errorf("%d moved by %d is %s and %v, want %d", c.nanos, c.by, p.body, err, c.want)
		}
	}
}

func FuzzPayloads(f *testing.F) {
	for _, seed := range []string{
		`{"resourceSpans":[],"resource_logs":[]}`, `{"trace":{"batches":[]}}`, `{"batches":[{"traceId":"8eHQaKvN7wEjRWeJob9T7A=="}]}`,
		`{"resourceSpans":[{"instrumentationLibrarySpans":[{"instrumentationLibrary":{}}]}]}`, `{"traceId" : "===================== =="}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		payloads, err := payloadsOf(raw)
		if err == nil && len(payloads) == 0 {
			t.Error("neither a request nor an error")
		}
		for _, p := range payloads {
			if !json.Valid(p.body) {
				t.Errorf("%s became %s, which is no JSON", raw, p.body)
			}
		}
	})
}
