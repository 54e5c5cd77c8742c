package health

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/plaithq/plait"
)

// memory is a writer that stores nothing, and knows what it has seen.
type memory struct{ again bool }

func (m *memory) WriteTraces(_ context.Context, t *plait.Traces) (plait.Receipt, error) {
	for i := range t.Spans { // as the store does
		t.Spans[i].TraceID[0] = 1
	}
	return plait.Receipt{Duplicate: m.again}, nil
}

func (m *memory) WriteLogs(context.Context, *plait.Logs) (plait.Receipt, error) {
	return plait.Receipt{Duplicate: m.again}, nil
}

func (m *memory) WriteMetrics(context.Context, *plait.Metrics) (plait.Receipt, error) {
	return plait.Receipt{}, nil
}

func resource(service string) *plait.Resource {
	return &plait.Resource{Attributes: plait.Attributes{{Key: "service.name", Value: plait.StringValue(service)}}}
}

func spans(service string, half bool, n int) *plait.Traces {
	t := &plait.Traces{}
	for i := range n {
		s := plait.Span{Resource: resource(service), TraceID: plait.TraceID{15: byte(i + 1)}}
		if !half {
			s.TraceID[0] = 1
		}
		t.Spans = append(t.Spans, s)
	}
	return t
}

func TestHalfIDsAndRepeatsAreNoticed(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	store := &memory{}
	w := NewWatch(store, func() time.Time { return now })
	write := func(traces *plait.Traces) {
		t.Helper()
		if _, err := w.WriteTraces(t.Context(), traces); err != nil {
			t.Fatal(err)
		}
	}
	write(spans("tracer64", true, 3))
	write(spans("whole", false, 5))
	logs := &plait.Logs{Records: []plait.LogRecord{{Resource: resource("tracer64"), TraceID: plait.TraceID{15: 1}}, {Resource: resource("tracer64")}}}
	if _, err := w.WriteLogs(t.Context(), logs); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour)
	store.again = true
	write(spans("whole", false, 5))
	write(spans("tracer64", true, 3))
	hour := plait.TimeRange{From: now.Add(-time.Minute), To: now.Add(time.Minute)}
	if got := w.Noticed(hour); len(got) != 2 || got["whole"] != (Noticed{Duplicates: 5}) || got["tracer64"] != (Noticed{Duplicates: 3}) {
		t.Errorf("in the last minutes %v", got)
	}
	hour.From = now.Add(-2 * time.Hour)
	if got := w.Noticed(hour); got["tracer64"] != (Noticed{HalfIDs: 4, Duplicates: 3}) {
		t.Errorf("in two hours %v", got)
	}
}

func TestAWatchIsBounded(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	w := NewWatch(&memory{}, func() time.Time { return now })
	for i := range 300 {
		for service := range watchedServices + 5 {
			if _, err := w.WriteTraces(t.Context(), spans(fmt.Sprint("service", service), true, 1)); err != nil {
				t.Fatal(err)
			}
			if i > 0 {
				break
			}
		}
		if i == 0 && len(w.parts[0].services) != watchedServices {
			t.Errorf("%d services of a part are known", len(w.parts[0].services))
		}
		now = now.Add(partLength)
	}
	if most := int(watchedFor/partLength) + 1; len(w.parts) > most {
		t.Errorf("%d parts are known", len(w.parts))
	}
}

func TestMediansAreNearToNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		values []int64
		want   int64
	}{{[]int64{5}, 5}, {[]int64{0, -90}, 0}, {[]int64{90, 0}, 0}, {[]int64{0, 0, -90}, 0}, {[]int64{-3, -1}, -1}} {
		if got := median(c.values); got != c.want {
			t.Errorf("the median of %v is %d, want %d", c.values, got, c.want)
		}
	}
}
