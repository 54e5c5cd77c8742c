package ingest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plaithq/plait"
)

// flawedForeignSpans are requests to the doors for spans of other tracers.
func flawedForeignSpans() []badInput {
	return slices.Concat(flawedZipkinSpans(), flawedJaegerSpans(), flawedDatadogSpans(), flawedXRaySegments())
}

func flawedZipkinSpans() []badInput {
	zipkin := func(number byte, sent, spans string) badInput {
		return badInput{sent: "Zipkin: " + sent, path: "/api/v2/spans", media: mediaJSON, body: fixed([]byte("[" + spans + "]")), stored: storedTrace(number)}
	}
	good := func(number byte, fields string) string {
		return fmt.Sprintf(`{"traceId":"%s","id":"2","name":"good","timestamp":1795000000000000%s}`, testTraceID(number), fields)
	}
	return []badInput{
		zipkin(90, "a span without an id, beside a good one", `{"traceId":"1","name":"bad","timestamp":1795000000000000},`+good(90, "")),
		zipkin(91, "a span without a time, beside a good one", `{"traceId":"1","id":"3","name":"bad"},`+good(91, "")),
		zipkin(92, "a tag that is a list, beside a good span", `{"traceId":"1","id":"3","tags":{"a":[1]}},`+good(92, "")),
		zipkin(93, "a span that lasts 300,000 years", good(93, `,"duration":9e18`)),
		zipkin(94, "an array that ends early", good(94, "")+","),
		zipkin(95, "16 MB of empty spans", strings.Repeat("{},", 5_000_000)+good(95, "")),
	}
}

// storedTrace tells which spans a trace has, and which of them last longer than a century.
func storedTrace(number byte) func(*testing.T, *testServer) string {
	return func(t *testing.T, ts *testServer) string {
		t.Helper()
		trace, err := ts.store.Trace(t.Context(), testTraceID(number), 10)
		if errors.Is(err, plait.ErrNotFound) {
			return "nothing"
		}
		if err != nil {
			t.Fatal(err)
		}
		var told []string
		for i := range trace.Spans {
			s := &trace.Spans[i]
			says := fmt.Sprintf("`%s`", s.Name)
			if took := time.Duration(s.DurationNanos()); took > 100*365*24*time.Hour {
				says += fmt.Sprintf(" of %d years", took/(365*24*time.Hour))
			}
			told = append(told, says)
		}
		return strings.Join(told, ", ")
	}
}
