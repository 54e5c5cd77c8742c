package tempo

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/traceql"
	"github.com/plaithq/plait/query/traceql/eval/evaltest"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
)

// drawnTraces are what one draw stored, in seconds of its own.
type drawnTraces struct {
	traces  []evaltest.Trace
	seconds []string // start and end
}

// drawer stores what is drawn in one database, apart by time and ids.
type drawer struct {
	store *store.Store
	n     int
}

// secondsOfDraw are what the traces of one draw take at most, and lie apart from those of the next.
const secondsOfDraw = 10

func (d *drawer) draw(t *rapid.T) drawnTraces {
	d.n++
	begin := base.Truncate(time.Second).Add(-time.Duration(d.n) * 6 * secondsOfDraw * time.Second)
	var out drawnTraces
	var sent []plait.Span
	for n := range rapid.IntRange(1, 5).Draw(t, "traces") {
		spans := evaltest.DrawTrace(t)
		shift := begin.Add(time.Second).UnixNano() + int64(n)*int64(time.Second)
		for i := range spans {
			s := &spans[i]
			s.TraceID = plait.TraceID{0: 1, 12: byte(d.n >> 8), 13: byte(d.n), 15: byte(n + 1)}
			s.StartNanos, s.EndNanos = s.StartNanos+shift, s.EndNanos+shift
			for e := range s.Events {
				s.Events[e].TimeNanos += shift
			}
		}
		sent = append(sent, spans...)
		out.traces = append(out.traces, evaltest.Trace{Spans: spans})
	}
	sent = rapid.Permutation(sent).Draw(t, "order")
	cut := rapid.IntRange(0, len(sent)).Draw(t, "in the first request")
	for _, request := range [][]plait.Span{sent[:cut], sent[cut:]} {
		if len(request) == 0 {
			continue
		}
		if _, err := d.store.WriteTraces(t.Context(), &plait.Traces{Spans: slices.Clone(request)}); err != nil {
			t.Fatal(err)
		}
	}
	seconds := func(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }
	out.seconds = []string{"start", seconds(begin), "end", seconds(begin.Add(secondsOfDraw * time.Second))}
	return out
}

func TestSearchesThroughTheStoreAgreeWithASlowReading(t *testing.T) {
	t.Parallel()
	d := &drawer{store: storetest.New(t, storetest.Now(func() time.Time { return now }))}
	s := start(t, d.store)
	rapid.Check(t, func(rt *rapid.T) {
		drawn := d.draw(rt)
		for range 4 {
			text := evaltest.DrawPipeline(rt, 2)
			q, err := traceql.Parse(text)
			if err != nil {
				rt.Fatalf("%s: %v", text, err)
			}
			want := map[string][]string{}
			for _, trace := range drawn.traces {
				for _, set := range trace.Search(q.Pipeline) {
					id := trace.Spans[0].TraceID.String()
					want[id] = append(want[id], describedSet(trace, set))
				}
			}
			a := s.search(t, text, append(drawn.seconds, "limit", "100", "spss", "100")...)
			if diff := cmp.Diff(inOrder(want), inOrder(setsFound(rt, a))); diff != "" {
				rt.Fatalf("%s (-want +got):\n%s", text, diff)
			}
		}
	})
}

func inOrder(sets map[string][]string) map[string][]string {
	for id := range sets {
		slices.Sort(sets[id])
	}
	return sets
}

// describedSet names the spans of a set, and the values by which it was made.
func describedSet(t evaltest.Trace, set evaltest.Set) string {
	var spans []string
	for _, i := range set.Spans {
		spans = append(spans, t.Spans[i].SpanID.String())
	}
	slices.Sort(spans)
	keys := slices.Clone(set.Keys)
	for i, key := range keys {
		_, text, _ := strings.Cut(key, " ") // of several types, an answer has texts only
		keys[i] = numberOrText(text)
	}
	return fmt.Sprintf("%v by %q", spans, keys)
}

func setsFound(t *rapid.T, a answer) map[string][]string {
	var found searchJSON
	if err := json.Unmarshal(a.body, &found); err != nil || a.status != http.StatusOK || found.Metrics.TotalJobs > found.Metrics.CompletedJobs {
		t.Fatalf("%v, %d %s", err, a.status, a.body)
	}
	sets := map[string][]string{}
	for _, trace := range found.Traces {
		for _, set := range trace.SpanSets {
			var spans, keys []string
			for i := range set.Spans {
				spans = append(spans, set.Spans[i].SpanID)
			}
			for i := range set.Attributes {
				keys = append(keys, numberOrText(set.Attributes[i].Value.text()))
			}
			slices.Sort(spans)
			sets[trace.TraceID] = append(sets[trace.TraceID], fmt.Sprintf("%v by %q", spans, keys))
		}
	}
	return sets
}

// numberOrText spells a number in one way.
func numberOrText(text string) string {
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return text
}

func TestMetricsThroughTheStoreAgreeWithASlowReading(t *testing.T) {
	t.Parallel()
	d := &drawer{store: storetest.New(t, storetest.Now(func() time.Time { return now }))}
	s := start(t, d.store)
	rapid.Check(t, func(rt *rapid.T) {
		drawn := d.draw(rt)
		for range 4 {
			text := evaltest.DrawMetrics(rt)
			q, err := traceql.Parse(text)
			if err != nil {
				rt.Fatalf("%s: %v", text, err)
			}
			want := evaltest.Metrics(q.Metrics.(traceql.MetricsQuery), drawn.traces, secondsOfDraw)
			got := map[string]float64{}
			var found instantAnswer
			a := s.get(t, "/api/metrics/query?"+asked(text, drawn.seconds...))
			if err := json.Unmarshal(a.body, &found); err != nil || a.status != http.StatusOK {
				rt.Fatalf("%s: %v, %d %s", text, err, a.status, a.body)
			}
			for _, one := range found.Series {
				if one.Value != 0 {
					got[describedLabels(one.Labels)] = one.Value
				}
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateApprox(1e-9, 0)); diff != "" {
				rt.Fatalf("%s (-want +got):\n%s", text, diff)
			}
		}
	})
}

func describedLabels(labels []attributeJSON) (key string) {
	for _, l := range labels {
		switch v := l.Value; {
		case l.Key == "__name__":
		case v.Int != nil:
			key += "integer " + *v.Int + ", "
		case v.Double != nil:
			key += evaltest.Describe(plait.DoubleValue(*v.Double)) + ", "
		case v.Bool != nil:
			key += fmt.Sprint("boolean ", *v.Bool, ", ")
		default:
			key += "string " + v.text() + ", "
		}
	}
	return key
}
