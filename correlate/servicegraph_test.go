package correlate

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/correlate/tracetree"
	"github.com/plaithq/plait/spanmetrics"
	"github.com/plaithq/plait/spanmetrics/callcases"
)

// TestSpansAreSidesOfTheCallsOfTheTable asks every span of a case for its calls, beside those of its
// own trace as the tree has them and those of others.
func TestSpansAreSidesOfTheCallsOfTheTable(t *testing.T) {
	t.Parallel()
	cases, err := callcases.All(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		got := callcases.Edges{}
		for i := range c.Spans {
			spans := tracetree.Build(c.Spans).Spans()
			for _, side := range callsOf(&c.Spans[i], spans) {
				if !serversSide.takes(&side) {
					continue
				}
				failed := c.Spans[i].Status == plait.StatusError
				if other := side.other; other != nil && spanmetrics.Calls(other.Kind) {
					failed = failed || other.Status == plait.StatusError
				}
				got.Add(side.edge, failed)
			}
		}
		if diff := cmp.Diff(c.Edges, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.Name, diff)
		}
	}
}
