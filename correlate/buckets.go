package correlate

import (
	"math"
	"strconv"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
)

// A series of a classic histogram counts all values up to its bound, le. So a matcher of le bounds
// the value by the largest bound that it lets pass, and a value belongs to the series of every bound
// from its own bucket's on; its exemplar stands with the smallest.

// readBound takes a matcher of le. A bound that is none of the buckets' is one all the same.
func (m *spanMetric) readBound(l plait.Matcher) error {
	bound, isNumber := number(l.Value)
	if !m.latency || l.Op == plait.MatchEqual && !isNumber {
		m.ignored = append(m.ignored, l)
		return nil
	}
	if l.Op == plait.MatchEqual {
		m.query.Max = seconds(bound)
	}
	p, err := newPredicate(l)
	m.bounds = append(m.bounds, p)
	return err
}

// boundByBuckets bounds the value by the largest of the buckets that match.
func (m *spanMetric) boundByBuckets() {
	for _, p := range m.bounds {
		if p.matcher.Op == plait.MatchEqual {
			return // which bounds it already
		}
	}
	largest := 0.0
	for _, b := range bucketBounds() {
		if m.bounds.match(spanmetrics.BucketLabel(b)) {
			largest = b
		}
	}
	if m.nothing = largest == 0; !m.nothing {
		m.query.Max = seconds(largest)
	}
}

// bucketOf is the smallest bound among those that match that holds a value.
func (m *spanMetric) bucketOf(value float64) string {
	for _, p := range m.bounds {
		if p.matcher.Op == plait.MatchEqual {
			return p.matcher.Value
		}
	}
	for _, b := range bucketBounds() {
		if text := spanmetrics.BucketLabel(b); seconds(value) <= seconds(b) && m.bounds.match(text) {
			return text
		}
	}
	return spanmetrics.BucketLabel(math.Inf(1))
}

func bucketBounds() []float64 { return append(spanmetrics.LatencyBuckets(), math.Inf(1)) }

func number(text string) (float64, bool) {
	v, err := strconv.ParseFloat(text, 64)
	return v, err == nil
}
