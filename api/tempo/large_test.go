package tempo

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/tracesearch"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
)

// spansOfLarge is so many that no two traces are read together, and each holds more than an answer has for certain.
const spansOfLarge = spansAtOnce/2 + 1

// largeTraces stores traces of spansOfLarge spans.
func largeTraces(t *testing.T, traces int) *store.Store {
	t.Helper()
	st := storetest.New(t, storetest.Now(func() time.Time { return now }))
	for n := range traces {
		many := &plait.Traces{}
		for i := range spansOfLarge {
			s := shopTrace().Spans[0]
			s.TraceID, s.SpanID, s.Name = plait.TraceID{0: 1, 15: byte(n)}, plait.SpanID{5: 1, 6: byte(i >> 8), 7: byte(i)}, "item"
			s.StartNanos += int64(i) * 1000
			s.EndNanos = s.StartNanos + 1000
			s.Attributes = plait.Attributes{{Key: "item", Value: plait.IntValue(int64(i))}}
			many.Spans = append(many.Spans, s)
		}
		if _, err := st.WriteTraces(t.Context(), many); err != nil {
			t.Fatal(err)
		}
	}
	return st
}

// itemsQuery is one that the counts by the minute cannot answer.
const itemsQuery = `{ name = "item" && span.item >= 0 }`

func TestAMetricsQueryCountsMoreSpansThanAnswersMayHold(t *testing.T) {
	t.Parallel()
	const traces = 4
	got := countedItems(t, start(t, largeTraces(t, traces), func(c *tracesearch.Config) { c.Memory = plait.NewAnswerMemory(3 << 20) }))
	if len(got.Series) != 1 || got.Series[0].Value != traces*spansOfLarge {
		t.Errorf("counted %+v, want %d", got.Series, traces*spansOfLarge)
	}
	if got.Metrics.TotalJobs != got.Metrics.CompletedJobs {
		t.Errorf("a whole answer says that it is a part: %+v", got.Metrics)
	}
}

func TestATraceThatIsNotReadWholeMakesTheAnswerAPart(t *testing.T) {
	t.Parallel()
	s := start(t, largeTraces(t, 1), func(c *tracesearch.Config) { c.Memory = plait.NewAnswerMemory(0) })
	if got := countedItems(t, s); got.Metrics.TotalJobs <= got.Metrics.CompletedJobs {
		t.Errorf("%+v says that it is whole", got)
	}
	var found searchJSON
	a := s.search(t, itemsQuery)
	if err := json.Unmarshal(a.body, &found); err != nil || len(found.Traces) != 1 || found.Metrics.TotalJobs <= found.Metrics.CompletedJobs {
		t.Errorf("%v, %d %s", err, a.status, a.body)
	}
}

func TestSpansThatWereSentTwiceDoNotMakeTheAnswerAPart(t *testing.T) {
	t.Parallel()
	st := storetest.New(t, storetest.Now(func() time.Time { return now }))
	for range 2 {
		one := shopTrace()
		one.Spans = one.Spans[:1]
		if _, err := st.WriteTraces(t.Context(), one); err != nil {
			t.Fatal(err)
		}
	}
	var found searchJSON
	a := start(t, st).search(t, `{}`)
	if err := json.Unmarshal(a.body, &found); err != nil || len(found.Traces) != 1 || found.Metrics.TotalJobs != found.Metrics.CompletedJobs {
		t.Errorf("%v, %d %s", err, a.status, a.body)
	}
}

func countedItems(t *testing.T, s *server) (got instantAnswer) {
	t.Helper()
	seconds := func(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }
	a := s.get(t, "/api/metrics/query?"+asked(itemsQuery+` | count_over_time()`, "start", seconds(base.Add(-time.Minute)), "end", seconds(base.Add(time.Minute))))
	if err := json.Unmarshal(a.body, &got); err != nil {
		t.Fatalf("%v, %d %s", err, a.status, a.body)
	}
	return got
}
