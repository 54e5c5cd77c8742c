package correlate

import (
	"testing"

	"github.com/plaithq/plait"
)

func TestACounterIsNoPartOfAHistogram(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"http_requests_total": "", "latency_count": "latency(_bucket|_sum|_count)?", "latency": "latency(_bucket|_sum|_count)?",
	} {
		wide, ok := familyOf([]plait.Matcher{{Name: "__name__", Op: plait.MatchEqual, Value: name}})
		if ok != (want != "") || ok && wide[0].Value != want {
			t.Errorf("%s widens to %v", name, wide)
		}
	}
}

func TestAValueBelongsToTheSmallestBucketThatHoldsIt(t *testing.T) {
	t.Parallel()
	for value, want := range map[float64]string{0.1: "0.5", 0.5: "0.5", 0.6: "1.0", 7: "+Inf"} {
		if got := smallestBucket([]string{"1.0", "+Inf", "0.5", "none"}, value); got != want {
			t.Errorf("%g belongs to %s, want %s", value, got, want)
		}
	}
}

func TestMisspeltNamesAreAnsweredWithTheNearest(t *testing.T) {
	t.Parallel()
	known := []string{"cart", "checkout", "mail"}
	for name, want := range map[string]string{
		"cart": "", "chekout": `there is no span of service "chekout"; did you mean "checkout"?`, "warehouse": `there is no span of service "warehouse"`,
	} {
		if got := misspelt("span of service", name, known); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestHitsOfSelectorsAreRankedTogether(t *testing.T) {
	t.Parallel()
	hit := func(n byte, excess int64, failed bool) MetricHit {
		return MetricHit{TraceID: plait.TraceID{n}, excessNanos: excess, failed: failed}
	}
	a, b := []MetricHit{hit(1, 9, false), hit(2, 1, true)}, []MetricHit{hit(3, 5, true)}
	for _, c := range []struct {
		found []answerOf
		want  string
	}{
		{[]answerOf{{hits: a, ranked: true}, {hits: b, ranked: true}}, "\x01\x03\x02"},
		{[]answerOf{{hits: a, ranked: true, failedFirst: true}, {hits: b, ranked: true, failedFirst: true}}, "\x03\x02\x01"},
		{[]answerOf{{hits: a}, {hits: b, ranked: true}}, "\x01\x03\x02"},
	} {
		var ids []byte
		for _, h := range merge(c.found) {
			ids = append(ids, h.TraceID[0])
		}
		if string(ids) != c.want {
			t.Errorf("hits are %v, want %v", ids, []byte(c.want))
		}
	}
}
