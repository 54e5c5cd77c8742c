package spanmetrics_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
	"github.com/plaithq/plait/spanmetrics/callcases"
)

func TestGraphFindsTheCallsOfTheTable(t *testing.T) {
	t.Parallel()
	cases, err := callcases.All(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		for name, spans := range map[string][]plait.Span{"in order": c.Spans, "backwards": backwards(c.Spans)} {
			var sides []spanmetrics.Side
			for i := range spans {
				sides = append(sides, spanmetrics.SideOf(&spans[i], spans[i].Resource.Service()))
			}
			got := callcases.Edges{}
			for call := range spanmetrics.NewGraph(sides).All() {
				got.Add(call.Edge, call.Failed)
			}
			if diff := cmp.Diff(c.Edges, got); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", c.Name, name, diff)
			}
		}
	}
}

func backwards(spans []plait.Span) []plait.Span {
	spans = slices.Clone(spans)
	slices.Reverse(spans)
	return spans
}

func TestDurationsThatNobodyBelievesAreNone(t *testing.T) {
	t.Parallel()
	const start = int64(1_700_000_000_000_000_000)
	for name, c := range map[string]struct{ start, end, want, seen int64 }{
		"a second":               {start, start + 1e9, 1e9, start + 1e9},
		"nothing":                {start, start, 0, start},
		"unfinished":             {start, 0, 0, start},
		"ended before it began":  {start, start - 1, 0, start},
		"without a start":        {0, start, 0, start},
		"until the end of times": {start, 1<<63 - 1, 0, 1<<63 - 1},
		"of all times":           {-1 << 63, 1<<63 - 1, 0, 1<<63 - 1},
		"a year":                 {start, start + int64(spanmetrics.MaxDuration), int64(spanmetrics.MaxDuration), start + int64(spanmetrics.MaxDuration)},
	} {
		s := plait.Span{StartNanos: c.start, EndNanos: c.end}
		if got := spanmetrics.DurationNanos(&s); got != c.want {
			t.Errorf("%s: took %d, want %d", name, got, c.want)
		}
		if got := spanmetrics.SeenNanos(&s); got != c.seen {
			t.Errorf("%s: seen %d, want %d", name, got, c.seen)
		}
	}
}
