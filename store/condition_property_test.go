package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/plaithq/plait"
	questions "github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/query/condition/conditiontest"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/dictionary"
	"github.com/plaithq/plait/store/storetest"
)

// drawnEpoch is about when the telemetry of package conditiontest happens.
const drawnEpoch = 1_700_000_100_000_000_000

// drawn writes random telemetry in several commits, in an hour of its own.
type drawn struct {
	store *store.Store
	n     int
	decoy bool // beside many traces that have nothing of what is drawn
	now   time.Time
}

func (d *drawn) write(rt *rapid.T, spans int) (sent []plait.Span, r plait.TimeRange) {
	d.n++
	sent = conditiontest.Draw(rt, spans, 0).Spans
	shift := d.now.Add(-time.Duration(d.n)*time.Minute).UnixNano() - drawnEpoch
	r.From = time.Unix(0, drawnEpoch+shift-1_000_000_000)
	r.To = r.From.Add(30 * time.Second)
	for i := range sent {
		sent[i].StartNanos += shift
		sent[i].EndNanos += shift
		for j := range sent[i].Events {
			sent[i].Events[j].TimeNanos += shift
		}
		sent[i].TraceID = d.ownID(sent[i].TraceID)
	}
	if d.decoy {
		others := make([]plait.Span, 60)
		for i := range others {
			others[i] = plait.Span{
				TraceID: plait.TraceID{0: 0xde, 2: byte(d.n >> 8), 3: byte(d.n), 15: byte(i + 1)}, SpanID: plait.SpanID{7: 1}, Name: "decoy",
				StartNanos: drawnEpoch + shift + int64(i), EndNanos: drawnEpoch + shift + 7, Resource: &plait.Resource{},
			}
		}
		d.commit(rt, others)
		sent = append(sent, others...)
	}
	stored := halved(rt, sent)
	cut := rapid.IntRange(0, len(stored)).Draw(rt, "cut")
	d.commit(rt, stored[:cut])
	if rapid.IntRange(0, 4).Draw(rt, "merge") == 0 {
		if err := d.store.MergeTerms(rt.Context()); err != nil {
			rt.Fatal(err)
		}
	}
	d.commit(rt, stored[cut:])
	return sent, r
}

// ownID gives a trace an id that is of this hour alone.
func (d *drawn) ownID(id plait.TraceID) plait.TraceID {
	id[2], id[3], id[14] = byte(d.n>>8), byte(d.n), byte(d.n)
	return id
}

// named is a condition with the ids that traces of this hour have.
func (d *drawn) named(n condition.Node) condition.Node {
	switch n := n.(type) {
	case condition.HasSpan:
		return condition.HasSpan{Of: d.named(n.Of)}
	case condition.Not:
		return condition.Not{Of: d.named(n.Of)}
	case condition.And:
		return condition.And(d.eachNamed(n))
	case condition.Or:
		return condition.Or(d.eachNamed(n))
	case condition.Leaf:
		if n.Field.Name == condition.TraceID && n.Value.Type() == condition.TypeTraceID {
			n.Value = condition.OfTrace(d.ownID(n.Value.TraceID()))
		}
		return n
	}
	return n
}

func (d *drawn) eachNamed(nodes []condition.Node) []condition.Node {
	named := make([]condition.Node, len(nodes))
	for i, n := range nodes {
		named[i] = d.named(n)
	}
	return named
}

// halved are spans as they come, some of one trace with the lower half of its id: whichever comes first, they are found
// under the whole one.
func halved(rt *rapid.T, sent []plait.Span) []plait.Span {
	spans := slices.Clone(sent)
	if len(spans) == 0 || rapid.IntRange(0, 2).Draw(rt, "half ids") > 0 {
		return spans
	}
	whole := rapid.IntRange(0, len(spans)-1).Draw(rt, "whole id")
	for i := range spans {
		if i != whole && spans[i].TraceID == spans[whole].TraceID && rapid.Bool().Draw(rt, "half id") {
			clear(spans[i].TraceID[:8])
		}
	}
	return spans
}

func (d *drawn) commit(rt *rapid.T, spans []plait.Span) {
	if len(spans) == 0 {
		return
	}
	if _, err := d.store.WriteTraces(rt.Context(), &plait.Traces{Spans: slices.Clone(spans)}); err != nil {
		rt.Fatal(err)
	}
}

// views are the spans as the store has them: with its own summaries.
func (d *drawn) views(rt *rapid.T, sent []plait.Span) ([]condition.SpanView, []condition.TraceView) {
	spans, traces := conditiontest.Views(sent), conditiontest.Traces(sent)
	var ids []plait.TraceID
	for i := range traces {
		ids = append(ids, traces[i].Summary.TraceID)
	}
	summaries, err := d.store.TraceSummaries(rt.Context(), ids)
	if err != nil {
		rt.Fatal(err)
	}
	for i := range summaries {
		for j := range traces {
			if traces[j].Summary.TraceID == summaries[i].TraceID {
				traces[j].Summary = &summaries[i]
			}
		}
		for j := range spans {
			if spans[j].Span.TraceID == summaries[i].TraceID {
				spans[j].Trace = &summaries[i]
			}
		}
	}
	return spans, traces
}

func spanKey(s *plait.Span) string { return fmt.Sprint(s.TraceID, s.SpanID) }

// check compares what the store answers with what Match says of all rows.
func (d *drawn) check(rt *rapid.T) {
	sent, r := d.write(rt, 8)
	spans, traces := d.views(rt, sent)
	for i := range 6 {
		n := d.named(conditiontest.OnSpans().Draw(rt, fmt.Sprint("spans ", i)))
		within := condition.And{n, questions.During(condition.SpanStart, r)}
		c, err := condition.CompileSpans(within)
		if err != nil {
			rt.Fatal(err)
		}
		var want []string
		for i := range spans {
			if c.Match(&spans[i]) {
				want = append(want, spanKey(spans[i].Span))
			}
		}
		slices.Sort(want)
		for _, order := range []questions.SpanOrder{questions.NewestFirst, questions.SlowestFirst} {
			d.checkSpans(rt, questions.Spans{Condition: n, Range: r, Order: order, Page: questions.Page{Limit: 100}}, want)
		}
		d.checkTraces(rt, questions.TracesWithSpan(n, r), traces)
	}
	for i := range 4 {
		n := d.named(conditiontest.OnTraces().Draw(rt, fmt.Sprint("traces ", i)))
		d.checkTraces(rt, questions.Traces{Condition: condition.And{n, condition.HasSpan{Of: questions.During(condition.SpanStart, r)}}, Range: r}, traces)
	}
}

func (d *drawn) checkSpans(rt *rapid.T, q questions.Spans, want []string) {
	found, err := d.store.Spans(rt.Context(), q)
	if err != nil {
		rt.Fatal(err)
	}
	var got []string
	for i := range found {
		got = append(got, spanKey(&found[i]))
		if q.Order == questions.NewestFirst && i > 0 && found[i].StartNanos > found[i-1].StartNanos {
			rt.Fatalf("%s: span %d is newer than the one before", q.Condition, i)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		rt.Fatalf("%s, order %d: store %q, match %q", q.Condition, q.Order, got, want)
	}
}

func (d *drawn) checkTraces(rt *rapid.T, q questions.Traces, all []condition.TraceView) {
	c, err := condition.CompileTraces(q.Condition)
	if err != nil {
		rt.Fatal(err)
	}
	var want []plait.TraceSummary
	for i := range all {
		if c.Match(&all[i]) {
			want = append(want, *all[i].Summary)
		}
	}
	slices.SortFunc(want, func(a, b plait.TraceSummary) int {
		if a.StartNanos != b.StartNanos {
			return int(min(max(b.StartNanos-a.StartNanos, -1), 1))
		}
		return slices.Compare(b.TraceID[:], a.TraceID[:])
	})
	var got []plait.TraceSummary
	for _, limit := range []int{100, 1, 2} {
		got = nil
		for q.Limit, q.Cursor = limit, ""; ; {
			page, next, err := d.store.Traces(rt.Context(), q)
			if err != nil {
				rt.Fatal(err)
			}
			got = append(got, page...)
			if q.Cursor = next; next == "" {
				break
			}
		}
		if !slices.EqualFunc(got, want, func(a, b plait.TraceSummary) bool { return a.TraceID == b.TraceID }) {
			rt.Fatalf("%s, %d a page: store %v, match %v", q.Condition, limit, idsOf(got), idsOf(want))
		}
		if len(want) > 10 {
			return // pages of everything take long
		}
	}
}

func idsOf(traces []plait.TraceSummary) (ids []string) {
	for i := range traces {
		ids = append(ids, traces[i].TraceID.String())
	}
	return ids
}

func TestSearchesAnswerWhatMatchSaysOfAllRows(t *testing.T) {
	t.Parallel()
	for name, decoy := range map[string]bool{"where most fit": false, "where few fit": true} {
		for size, bounds := range dictionaryBounds {
			t.Run(name+" and "+size, func(t *testing.T) {
				t.Parallel()
				url := storetest.URL(t)
				d := drawn{store: storetest.Open(t, url), decoy: decoy, now: time.Now().UTC().Truncate(time.Second)}
				d.store.BoundDictionaries(bounds)
				rapid.Check(t, d.check)
				if n := selectOne[int64](t, connect(t, url), `SELECT count(*) FROM plait_store.term_segment WHERE signal = 1`); n == 0 {
					t.Error("nothing was merged")
				}
			})
		}
	}
}

// dictionaryBounds are those with which searches have to find the same: they narrow by dictionaries or not.
var dictionaryBounds = map[string]dictionary.Bounds{
	"the dictionaries are known":     {Operations: 1 << 20, Resources: 1 << 20, Scopes: 1 << 20, LogClasses: 1 << 20, AttributeSets: 1 << 20},
	"the dictionaries are too large": {},
	"only what is alike is known":    {Resources: 1 << 20, Scopes: 1 << 20, AttributeSets: 1 << 20},
}
