package correlate

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"github.com/plaithq/plait"
)

// What a metric's name tells, and the buckets of its histogram.

// kindOf tells from a metric's name on which side of a call it is measured.
func kindOf(name string) plait.SpanKind {
	for _, k := range []struct {
		part string
		kind plait.SpanKind
	}{
		{"http_server", plait.SpanKindServer}, {"rpc_server", plait.SpanKindServer}, {"grpc_server", plait.SpanKindServer},
		{"http_client", plait.SpanKindClient}, {"rpc_client", plait.SpanKindClient}, {"grpc_client", plait.SpanKindClient},
		{"db_client", plait.SpanKindClient},
	} {
		if strings.Contains(strings.ReplaceAll(name, ".", "_"), k.part) {
			return k.kind
		}
	}
	return plait.SpanKindUnspecified
}

// units are the ends of names of metrics that are times, and the unit in seconds.
var units = []struct {
	suffix  string
	seconds float64
}{
	{"_seconds", 1}, {"_milliseconds", 1e-3}, {"_millis", 1e-3}, {"_ms", 1e-3}, {"_msec", 1e-3}, {"_microseconds", 1e-6}, {"_us", 1e-6},
	{"_nanoseconds", 1e-9}, {"_ns", 1e-9}, {"_minutes", 60},
}

// latencyUnit returns the unit of a latency metric in seconds, by its name. A sum of seconds or
// a time of day is no latency.
func latencyUnit(matchers []plait.Matcher) (unit float64, ok bool) {
	name := metricName(matchers)
	family := familyName(name)
	for _, u := range units {
		if strings.HasSuffix(family, u.suffix) {
			unit = u.seconds
		}
	}
	if unit == 0 {
		return 0, false
	}
	ofRequests := func(m plait.Matcher) bool { return m.Name == "le" || m.Name == "quantile" }
	return unit, family != name || slices.ContainsFunc(matchers, ofRequests) ||
		strings.Contains(family, "duration") || strings.Contains(family, "latency") || strings.Contains(family, "response_time")
}

// nameBuckets gives the hits of a classic histogram the smallest bucket that holds their value: of
// those of the series, or what the query asks for.
func (p *Pivots) nameBuckets(ctx context.Context, hits []MetricHit, matchers []plait.Matcher, r plait.TimeRange) error {
	asked := slices.IndexFunc(matchers, func(m plait.Matcher) bool { return m.Name == "le" && m.Op == plait.MatchEqual })
	known := map[string][]string{}
	for i := range hits {
		h := &hits[i]
		if h.Series.Get("le") == "" || h.Value == nil {
			continue
		}
		if asked >= 0 {
			h.Series = withLabel(h.Series, "le", matchers[asked].Value)
			continue
		}
		series := matchersOf(h.Series)
		key := Selector("", labelsOf(series))
		bounds, ok := known[key]
		if !ok {
			all, err := p.metrics.Series(ctx, series, r, bucketsSeen)
			if err != nil {
				return err
			}
			for _, labels := range all {
				bounds = append(bounds, labels.Get("le"))
			}
			known[key] = bounds
		}
		h.Series = withLabel(h.Series, "le", smallestBucket(bounds, *h.Value))
	}
	return nil
}

// bucketsSeen bounds the buckets of a series that are looked at.
const bucketsSeen = 500

// smallestBucket is the least of some bounds that holds a value, +Inf where none does.
func smallestBucket(bounds []string, value float64) string {
	best, text := math.Inf(1), "+Inf"
	for _, b := range bounds {
		if bound, ok := number(b); ok && value <= bound && cmp.Less(bound, best) {
			best, text = bound, b
		}
	}
	return text
}

func withLabel(labels plait.Labels, name, value string) plait.Labels {
	labels = slices.Clone(labels)
	for i := range labels {
		if labels[i].Name == name {
			labels[i].Value = value
		}
	}
	return labels
}
