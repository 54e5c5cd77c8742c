package store_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/plaithq/plait"
	questions "github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/store/storetest"
)

func TestHeatmapsCountAsTheirRowsSay(t *testing.T) {
	t.Parallel()
	s, v := storetest.New(t), volumes{rand.New(rand.NewPCG(2, 2)), time.Now().Add(-3 * time.Hour).Truncate(24 * time.Minute)}
	var spans []plait.Span
	for range 400 {
		spans = append(spans, v.span())
	}
	if _, err := s.WriteTraces(t.Context(), &plait.Traces{Spans: slices.Clone(spans)}); err != nil {
		t.Fatal(err)
	}
	more := append(conditions(), questions.SpanName("call 1"), questions.Took(0, 300*time.Millisecond),
		condition.And{questions.Kind(plait.SpanKindServer), condition.Not{Of: questions.Status(plait.StatusOK)}},
		condition.Not{Of: condition.Leaf{Field: condition.Attribute(condition.SpanAttribute, "none"), Op: condition.OpEqual, Value: condition.String("x")}})
	for range 60 {
		from := v.base.Add(time.Duration(v.r.Int64N(int64(time.Hour))))
		q := questions.Heatmap{Condition: more[v.r.IntN(len(more))], Columns: 2 + v.r.IntN(100),
			Range: plait.TimeRange{From: from, To: from.Add(1 + time.Duration(v.r.Int64N(int64(2*time.Hour))))}}
		if q.Condition == nil {
			q.Condition = condition.Const(true)
		}
		got, err := s.Heatmap(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		checkHeatmap(t, spans, q, got)
	}
}

// checkHeatmap counts spans one by one.
func checkHeatmap(t *testing.T, spans []plait.Span, q questions.Heatmap, got questions.HeatmapCounts) {
	t.Helper()
	end := got.Start.Add(got.Step * time.Duration(got.Columns))
	if got.CutShort || got.Columns > q.Columns || got.Start.After(q.Range.From) || end.Before(q.Range.To) || !got.Start.Equal(got.Start.Truncate(got.Step)) {
		t.Fatalf("%+v: from %v, %d columns of %v", q, got.Start, got.Columns, got.Step)
	}
	fits, err := condition.CompileSpans(q.Condition)
	if err != nil {
		t.Fatal(err)
	}
	want, traces := map[string][2]int64{}, map[plait.TraceID]string{}
	for i := range spans {
		start := time.Unix(0, spans[i].StartNanos).Truncate(time.Microsecond)
		if start.Before(got.Start) || !start.Before(end) || !fits.Match(&condition.SpanView{Span: &spans[i]}) {
			continue
		}
		cell := cellOf(got.Cells, int(start.Sub(got.Start)/got.Step), time.Duration(max(spans[i].EndNanos-spans[i].StartNanos, 0)))
		n := want[cell]
		if n[0]++; spans[i].Status == plait.StatusError {
			n[1]++
		}
		want[cell], traces[spans[i].TraceID] = n, cell
	}
	for _, c := range got.Cells {
		cell := cellOf(got.Cells, c.Column, c.UpTo)
		if want[cell] != [2]int64{c.Count, c.Failed} && !bounded(q) {
			t.Errorf("%+v: cell %s has %d and %d failed, want %v", q, cell, c.Count, c.Failed, want[cell])
		}
		if !c.TraceID.IsZero() && traces[c.TraceID] != cell {
			t.Errorf("%+v: cell %s names trace %s, which is in %q", q, cell, c.TraceID, traces[c.TraceID])
		}
		delete(want, cell)
	}
	if len(want) > 0 {
		t.Errorf("%+v: there are no cells for %v", q, want)
	}
}

// bounded says that a question bounds durations, which may cut a bucket.
func bounded(q questions.Heatmap) bool {
	needs := condition.NeedsOf(q.Condition)
	return needs.Has(condition.SpanDuration)
}

// cellOf names the cell of a column and a duration.
func cellOf(cells []questions.HeatmapCell, column int, d time.Duration) string {
	for _, c := range cells {
		if c.Column == column && (d > c.Over || d == 0 && c.UpTo == 0) && d <= c.UpTo {
			return fmt.Sprint(column, " to ", c.UpTo)
		}
	}
	return fmt.Sprint("none: ", column, " ", d)
}

func TestHeatmapsCountTheRequestsWhoseTracesHaveSomething(t *testing.T) {
	t.Parallel()
	s, v := storetest.New(t), volumes{rand.New(rand.NewPCG(3, 3)), time.Now().Add(-3 * time.Hour).Truncate(24 * time.Minute)}
	var spans []plait.Span
	for range 300 {
		request := v.span()
		spans = append(spans, request)
		for range v.r.IntN(3) {
			spans = append(spans, v.child(&request))
		}
	}
	for some := range slices.Chunk(spans, 200) {
		if _, err := s.WriteTraces(t.Context(), &plait.Traces{Spans: slices.Clone(some)}); err != nil {
			t.Fatal(err)
		}
	}
	inTrace := []condition.Node{
		questions.SpanAttribute("warehouse", "kiel"), questions.SpanAttribute("warehouse", "7"), questions.SpanAttribute("zone", "1"), questions.SpanAttribute("map.town", "kiel"),
		questions.ResourceAttribute("service-1", "zone", "0"), questions.SpanAttribute("warehouse", "bonn"), condition.Not{Of: questions.SpanAttribute("warehouse", "kiel")},
	}
	requests, all := append(conditions()[1:], questions.Kind(plait.SpanKindServer)), int64(0)
	for range 80 {
		from := v.base.Add(time.Duration(v.r.Int64N(int64(time.Hour))))
		q := questions.Heatmap{Condition: requests[v.r.IntN(len(requests))], Columns: 2 + v.r.IntN(100), InTrace: inTrace[v.r.IntN(len(inTrace))],
			Range: plait.TimeRange{From: from, To: from.Add(1 + time.Duration(v.r.Int64N(int64(2*time.Hour))))}}
		got, err := s.Heatmap(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		all += checkHolding(t, spans, q, got)
	}
	if all == 0 {
		t.Error("no request has anything that was asked for")
	}
}

// child is a span below another one, as likely as not with something to be asked for.
func (v *volumes) child(of *plait.Span) plait.Span {
	s := v.span()
	s.TraceID, s.ParentSpanID, s.Kind = of.TraceID, of.SpanID, plait.SpanKindInternal
	s.StartNanos = of.StartNanos + v.r.Int64N(int64(2*time.Minute)) // and so too late for some pictures
	s.EndNanos = s.StartNanos + 1000
	s.Attributes = [][]plait.Attribute{
		{{Key: "warehouse", Value: plait.StringValue("kiel")}}, {{Key: "warehouse", Value: plait.IntValue(7)}}, {{Key: "map", Value: plait.MapValue(`{"town":"kiel"}`)}}, {{Key: "warehouse", Value: plait.StringValue("leipzig")}}, nil,
	}[v.r.IntN(5)]
	return s
}

// checkHolding counts requests one by one, and returns how many have what was asked for.
func checkHolding(t *testing.T, spans []plait.Span, q questions.Heatmap, got questions.HeatmapCounts) (all int64) {
	t.Helper()
	end := got.Start.Add(got.Step * time.Duration(got.Columns))
	request, err := condition.CompileSpans(q.Condition)
	if err != nil {
		t.Fatal(err)
	}
	fits, err := condition.CompileSpans(q.InTrace)
	if err != nil {
		t.Fatal(err)
	}
	has := map[plait.TraceID]bool{}
	for i := range spans {
		start := time.Unix(0, spans[i].StartNanos)
		if !start.Before(got.Start.Add(-time.Minute)) && start.Before(end.Add(time.Minute)) && fits.Match(&condition.SpanView{Span: &spans[i]}) {
			has[spans[i].TraceID] = true
		}
	}
	want := map[string]int64{}
	for i := range spans {
		start := time.Unix(0, spans[i].StartNanos).Truncate(time.Microsecond)
		if has[spans[i].TraceID] && !start.Before(got.Start) && start.Before(end) && request.Match(&condition.SpanView{Span: &spans[i]}) {
			want[cellOf(got.Cells, int(start.Sub(got.Start)/got.Step), time.Duration(max(spans[i].EndNanos-spans[i].StartNanos, 0)))]++
		}
	}
	for _, c := range got.Cells {
		cell := cellOf(got.Cells, c.Column, c.UpTo)
		if c.Holding > c.Count || c.Holding != want[cell] {
			t.Errorf("%+v: cell %s says %d of %d have it, want %d", q, cell, c.Holding, c.Count, want[cell])
		}
		all += c.Holding
		delete(want, cell)
	}
	if len(want) > 0 {
		t.Errorf("%+v: there are no cells for %v", q, want)
	}
	return all
}
