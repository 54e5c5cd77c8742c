package ingest

import (
	"fmt"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
)

func TestTheJournalTellsWhatBecameOfRequests(t *testing.T) {
	t.Parallel()
	var j journal
	start := time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)
	for i := range 2 * journalled { // the first half is forgotten but for its counts
		took := time.Duration(i) * time.Millisecond
		j.request(request{door: "otlp_http", sender: "10.0.0.1"}, outcome{stored: 3}, "ok", nil, start, start.Add(took))
	}
	if got := j.report()[0]; got.LastRefusal != nil || got.Requests != 512 || got.Stored != 1536 || got.P95 != 498*time.Millisecond {
		t.Errorf("after requests that were taken whole: %+v", got)
	}

	var part outcome
	part.stored = 1
	part.refuse(2, "span 3: the trace id is zero")
	j.request(request{door: "otlp_http", sender: "10.0.0.2"}, part, part.name(), nil, start, start.Add(time.Second))
	failure := fmt.Errorf("line 4: no JSON: %w", plait.ErrInvalid)
	j.request(request{door: "json_lines", sender: "10.0.0.3"}, outcome{}, "invalid", failure, start, start.Add(2*time.Second))
	j.refused("none", plait.Refused{Time: start, Sender: "10.0.0.4", Answer: "no_route", Reason: "unknown path\n\"/v2/traces\""})

	want := map[string]*plait.Refused{
		"json_lines": {Time: start.Add(2 * time.Second), Sender: "10.0.0.3", Answer: "invalid", Reason: answerTo(failure).message},
		"none":       {Time: start, Sender: "10.0.0.4", Answer: "no_route", Reason: plait.OneLine("unknown path\n\"/v2/traces\"", maxReasonBytes)},
		"otlp_http":  {Time: start.Add(time.Second), Sender: "10.0.0.2", Answer: "partial", Reason: "span 3: the trace id is zero"},
	}
	refused := map[string]int64{"json_lines": 1, "none": 1, "otlp_http": 2}
	for _, r := range j.report() {
		if diff := gocmp.Diff(want[r.Door], r.LastRefusal); diff != "" {
			t.Errorf("%s (-want +got):\n%s", r.Door, diff)
		}
		if r.Refused != refused[r.Door] {
			t.Errorf("%s: %d refused, want %d", r.Door, r.Refused, refused[r.Door])
		}
	}
}
