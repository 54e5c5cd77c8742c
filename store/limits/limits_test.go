package limits

import (
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/plaithq/plait"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestMemoryIsBounded loses the oldest minutes, and no more: nothing is written here.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	h := New(nil)
	for i := range 3 * maxPending {
		at := start.Add(time.Duration(i/2) * time.Minute)
		h.Note(plait.Limited{Signal: "logs", Service: []string{"", "shop"}[i%2], From: at, To: at, Came: 2, SampledOut: 1, LeastShare: 0.5})
	}
	h.Note(plait.Limited{Signal: "logs", From: start, To: start, Came: 2, SampledOut: 1, LeastShare: 0.5}) // older than all that is kept
	oldest := start.Add(maxPending * time.Minute)
	if len(h.pending) != maxPending {
		t.Errorf("%d minutes wait, want %d", len(h.pending), maxPending)
	}
	for m := range h.pending {
		if m.begins.Before(oldest) {
			t.Errorf("of %v are more than the newest kept", m)
		}
	}
}

// TestServicesOfAMinuteAreBounded counts those beyond a number together.
func TestServicesOfAMinuteAreBounded(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 26, 12, 0, 5, 0, time.UTC)
	h := New(nil)
	note := func(service string) {
		h.Note(plait.Limited{Signal: "traces", Service: service, From: at, To: at, Came: 2, SampledOut: 1, LeastShare: 0.5})
	}
	for i := range 3 * maxServices {
		note(strconv.Itoa(i))
	}
	note("")
	note("1")
	begins := at.Truncate(time.Minute)
	rest, first := h.pending[minute{begins, "traces", others}], h.pending[minute{begins, "traces", "1"}]
	if len(h.pending) != maxServices+2 || rest.out != 2*maxServices || first.out != 2 {
		t.Errorf("%d services of a minute are known, %+v of others, %+v of one", len(h.pending), rest, first)
	}
	at = at.Add(time.Minute)
	note("new")
	if _, known := h.pending[minute{begins.Add(time.Minute), "traces", "new"}]; !known {
		t.Error("in the next minute no service is known by its name")
	}
}
