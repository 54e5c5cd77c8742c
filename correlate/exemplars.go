package correlate

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/plaithq/plait"
)

// exemplarCandidates is how many of the newest stored exemplars of a window are ranked.
const exemplarCandidates = 1000

// storedExemplars finds the exemplars that came with a metric's series: those with the
// highest value first, or for counters, whose exemplars all have the value of one request, those
// of failed and slow traces.
func (p *Pivots) storedExemplars(ctx context.Context, matchers []plait.Matcher, q MetricQuestion) ([]MetricHit, error) {
	series, upper := withoutBucket(matchers)
	found, err := p.metrics.Exemplars(ctx, series, q.Range, exemplarCandidates)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		if family, ok := familyOf(series); ok {
			if found, err = p.metrics.Exemplars(ctx, family, q.Range, exemplarCandidates); err != nil {
				return nil, err
			}
		}
	}
	hits := make([]MetricHit, 0, len(found))
	for _, e := range found {
		if q.Min != nil && e.Value < *q.Min || q.Max != nil && e.Value > *q.Max || upper != nil && e.Value > *upper {
			continue
		}
		hits = append(hits, MetricHit{
			Series: e.Series, Value: &e.Value, TimeNanos: e.TimeNanos, TraceID: e.TraceID, SpanID: e.SpanID, Match: MatchExemplar,
		})
	}
	slices.SortStableFunc(hits, func(a, b MetricHit) int {
		return cmp.Or(cmp.Compare(*b.Value, *a.Value), cmp.Compare(b.TimeNanos, a.TimeNanos))
	})
	if isCounter(matchers) {
		if err := p.sortByTrouble(ctx, hits); err != nil {
			return nil, err
		}
	}
	return firstOfTraces(hits, q.Limit), nil
}

// withoutBucket takes the bucket's bound out of the matchers: a bucket counts all values up to
// its bound, but its exemplar stands only in the smallest that holds the value.
func withoutBucket(matchers []plait.Matcher) (rest []plait.Matcher, upper *float64) {
	for _, m := range matchers {
		if m.Name != "le" {
			rest = append(rest, m)
		} else if bound, err := strconv.ParseFloat(m.Value, 64); err == nil && m.Op == plait.MatchEqual {
			upper = &bound
		}
	}
	return rest, upper
}

// familyOf widens the matchers from one series of a histogram to all: exemplars stand with the
// buckets, or, of native histograms, with the bare name.
func familyOf(matchers []plait.Matcher) ([]plait.Matcher, bool) {
	at := slices.IndexFunc(matchers, func(m plait.Matcher) bool { return m.Name == "__name__" && m.Op == plait.MatchEqual })
	if at < 0 || strings.HasSuffix(matchers[at].Value, "_total") {
		return nil, false
	}
	wide := slices.Clone(matchers)
	wide[at].Op = plait.MatchRegexp
	wide[at].Value = regexp.QuoteMeta(familyName(matchers[at].Value)) + "(_bucket|_sum|_count)?"
	return wide, true
}

// familyName is a series' name without the suffix of a histogram.
func familyName(name string) string {
	for _, suffix := range histogramSuffixes {
		if family, ok := strings.CutSuffix(name, suffix); ok {
			return family
		}
	}
	return name
}

func isCounter(matchers []plait.Matcher) bool {
	return strings.HasSuffix(metricName(matchers), "_total")
}

// metricName is the metric that matchers select by its whole name, or empty.
func metricName(matchers []plait.Matcher) string {
	for _, m := range matchers {
		if m.Name == "__name__" && m.Op == plait.MatchEqual {
			return m.Value
		}
	}
	return ""
}

// sortByTrouble puts hits of failed traces first and slow ones next.
func (p *Pivots) sortByTrouble(ctx context.Context, hits []MetricHit) error {
	ids := make([]plait.TraceID, len(hits))
	for i := range hits {
		ids[i] = hits[i].TraceID
	}
	summaries, err := p.traces.TraceSummaries(ctx, ids)
	if err != nil {
		return err
	}
	byID := make(map[plait.TraceID]plait.TraceSummary, len(summaries))
	for _, s := range summaries {
		byID[s.TraceID] = s
	}
	slices.SortStableFunc(hits, func(a, b MetricHit) int {
		x, y := byID[a.TraceID], byID[b.TraceID]
		return cmp.Or(cmp.Compare(min(y.ErrorCount, 1), min(x.ErrorCount, 1)), cmp.Compare(y.DurationNanos, x.DurationNanos))
	})
	return nil
}
