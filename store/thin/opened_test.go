package thin

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/plaithq/plait"
)

func numbered(n int) (id plait.TraceID) {
	id[0] = 1
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return id
}

func TestOpeningsOfAnHourAreBounded(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	o := newOpenings(nil, func() time.Time { return now })
	for i := range openedAnHour {
		for range 2 { // the second is no more
			if !o.note(numbered(i)) {
				t.Fatalf("the opening of trace %d of %d was not noted", i, openedAnHour)
			}
		}
	}
	if o.note(numbered(-1)) {
		t.Error("one trace more was noted")
	}
	if !o.note(numbered(7)) {
		t.Error("a trace that is noted already is told to be not")
	}
	now = now.Add(time.Hour)
	if o.note(numbered(-1)) {
		t.Error("more were noted than wait to be written")
	}
	clear(o.pending) // as a write does
	if !o.note(numbered(-1)) || len(o.pending) != 1 {
		t.Errorf("%d traces are noted in the hour after, want one", len(o.pending))
	}
	if now = now.Add(24 * time.Hour); !o.note(numbered(-1)) || o.pending[-1] != 20514 {
		t.Errorf("a trace that was opened on two days is noted for day %d, want the second, 20514", o.pending[-1])
	}
}
