package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/store/storetest"
)

// TestTracesThatAreTooLargeTogetherAreReadAFewAtATime stores traces of which ten have more bytes than an answer.
func TestTracesThatAreTooLargeTogetherAreReadAFewAtATime(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := storetest.New(t, storetest.Now(func() time.Time { return now }))
	const traces, spansEach = 10, 4
	for n := range traces {
		var sent []plait.Span
		for i := range spansEach {
			one := span(plait.TraceID{1, byte(n)}, int64(i+1), 0, "web", "GET /", now, time.Minute, time.Second)
			one.Attributes = plait.Attributes{{Key: "text", Value: plait.StringValue(strings.Repeat(string(rune('a'+n)), 512<<10))}}
			sent = append(sent, one)
		}
		writeSpans(t, s, sent...)
	}
	asked := query.Traces{}
	asked.Limit = 100
	found, _, err := s.Traces(t.Context(), asked)
	if err != nil || len(found) != traces {
		t.Fatalf("%d traces, %v", len(found), err)
	}
	memory := plait.NewAnswerMemory(20 << 20)
	rounds := 0
	for left := found; len(left) > 0; rounds++ {
		ctx, release := memory.Begin(t.Context())
		of, read, cut, err := s.SpansOf(ctx, left)
		release()
		if err != nil || cut || read < 1 || read == traces {
			t.Fatalf("%d traces are read, cut: %t, %v", read, cut, err)
		}
		for i := range left[:read] {
			if got := len(of[left[i].TraceID]); got != spansEach {
				t.Errorf("%d spans of a trace", got)
			}
		}
		left = left[read:]
	}
	if rounds > 5 {
		t.Errorf("%d rounds for 10 traces of which 7 fit", rounds)
	}
}
