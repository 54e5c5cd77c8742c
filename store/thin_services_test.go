package store_test

import (
	"math"
	"testing"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store"
)

// TestServicesHaveSharesOfTheirOwn thins traces of a web server, of a batch of which little is kept, and of both and a payment of
// which much is.
func TestServicesHaveSharesOfTheirOwn(t *testing.T) {
	t.Parallel()
	policy := thinPolicy
	policy.Services = []store.ThinServiceShare{{Service: "payment", Keep: 0.5}, {Service: "batch", Keep: 0.02}}
	d := newThinnedDay(t, policy)
	of := func(name string) *plait.Resource {
		return &plait.Resource{Attributes: plait.Attributes{{Key: "service.name", Value: plait.StringValue(name)}}}
	}
	through := map[string][]*plait.Resource{
		"web": {of("web"), of("web")}, "batch": {of("batch"), of("batch")}, "web, batch": {of("batch"), of("web")}, "batch, payment": {of("batch"), of("payment")},
	}
	for why, resources := range through {
		d.write(1500, why, "GET /", func(spans []plait.Span, _ *plait.LogRecord) {
			spans[0].Resource, spans[1].Resource = resources[0], resources[1]
		})
	}
	d.live(3)
	kept, n := d.kept(), map[string]float64{}
	for id := range kept {
		n[d.traces[id].why]++
	}
	shares := map[string]float64{"web": 0.1, "batch": 0.02, "web, batch": 0.1, "batch, payment": 0.5}
	for why, share := range shares {
		if sigma := math.Sqrt(1500 * share * (1 - share)); math.Abs(n[why]-1500*share) > 5*sigma {
			t.Errorf("%v of 1500 traces of %s are kept, want about %v", n[why], why, 1500*share)
		}
	}
	for id, trace := range d.traces {
		if thinned, err := d.store.ThinnedTrace(t.Context(), id); err != nil || !kept[id] && (thinned == nil || thinned.KeptProbability != shares[trace.why]) {
			t.Fatalf("trace %s of %s, which is gone, went with %+v, %v", id, trace.why, thinned, err)
		}
	}
	told := selectOne[float64](t, d.conn, `SELECT sum(1 / kept_probability) / 2 FROM plait.spans`)
	variance := 0.0
	for _, share := range shares {
		variance += 1500 * (1 - share) / share
	}
	if math.Abs(told-6000) > 4*math.Sqrt(variance) {
		t.Errorf("%v traces are told by the probabilities of those that are kept, want about 6000", told)
	}
}
