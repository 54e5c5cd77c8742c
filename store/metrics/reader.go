package metrics

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/pgerror"
)

// Series returns the label sets that match and have samples in the range, sorted, at most limit of them.
func (db *DB) Series(ctx context.Context, matchers []plait.Matcher, r plait.TimeRange, limit int) ([]plait.Labels, error) {
	proms, err := promMatchers(matchers)
	if err != nil {
		return nil, err
	}
	from, to := millisOf(r)
	q := db.querier(limitsOf(listingPage), from, to)
	q.listing = true
	found, err := q.find(ctx, from, to, 0, proms)
	if err != nil {
		return nil, pgerror.Read(err)
	}
	slices.SortFunc(found, func(a, b *series) int { return labels.Compare(a.labels, b.labels) })
	out := make([]plait.Labels, 0, min(limit, len(found)))
	for _, s := range found[:min(limit, len(found))] {
		out = append(out, plaitLabels(s.labels))
	}
	return out, nil
}

// Exemplars returns the stored exemplars of the series that match, newest first, at most limit
// of them, only those whose trace is stored. A selector of a histogram's _count, _sum or bare
// name finds those of its buckets too.
func (db *DB) Exemplars(ctx context.Context, matchers []plait.Matcher, r plait.TimeRange, limit int) ([]plait.SeriesExemplar, error) {
	proms, err := promMatchers(matchers)
	if err != nil {
		return nil, err
	}
	from, to := millisOf(r)
	found, sets, err := db.exemplarsOf(ctx, proms, from, to)
	if err != nil {
		return nil, pgerror.Read(err)
	}
	return withSeries(found[:min(limit, len(found))], sets)
}

// TraceExemplars returns the exemplars that point at a trace, in time order, the first 1,000. An id whose upper
// half is zero is how 64-bit tracers write a trace, and finds only what spells it so.
func (db *DB) TraceExemplars(ctx context.Context, id plait.TraceID) ([]plait.SeriesExemplar, error) {
	half := id
	clear(half[:8])
	spellings := [][16]byte{id, half}
	rows, err := db.config.Lookup.Query(ctx, traceExemplarsSQL, spellings, maxTraceExemplars)
	if err != nil {
		return nil, fmt.Errorf("read exemplars of trace %s: %w", id, pgerror.Read(err))
	}
	found, err := collectExemplars(rows)
	if err != nil {
		return nil, pgerror.Read(err)
	}
	ids := make([]int64, len(found))
	for i := range found {
		ids[i] = found[i].series
	}
	all, err := db.labelsOf(ctx, ids)
	if err != nil {
		return nil, pgerror.Read(err)
	}
	sets := make(map[int64]labels.Labels, len(ids))
	for i, id := range ids {
		sets[id] = all[i]
	}
	return withSeries(found, sets)
}

func withSeries(rows []exemplarRow, sets map[int64]labels.Labels) ([]plait.SeriesExemplar, error) {
	out := make([]plait.SeriesExemplar, 0, len(rows))
	for i := range rows {
		e, err := rows[i].exemplar()
		if err != nil {
			return nil, err
		}
		out = append(out, plait.SeriesExemplar{Series: plaitLabels(sets[rows[i].series]), Exemplar: e})
	}
	return out, nil
}

// exemplarsOf returns exemplars of the series that match, newest first, and their label sets.
func (db *DB) exemplarsOf(ctx context.Context, matchers []*labels.Matcher, from, to int64) ([]exemplarRow, map[int64]labels.Labels, error) {
	spent := &spending{limits: limitsOf(listingPage)}
	chosen, err := db.selectSeries(ctx, matchers, spent)
	if err != nil {
		return nil, nil, err
	}
	if buckets := bucketMatchers(matchers); buckets != nil {
		more, err := db.selectSeries(ctx, buckets, spent)
		if err != nil {
			return nil, nil, err
		}
		chosen.ids = append(chosen.ids, more.ids...)
		chosen.labels = append(chosen.labels, more.labels...)
	}
	if len(chosen.ids) == 0 {
		return nil, nil, nil
	}
	found, err := db.spreadExemplars(ctx, chosen.ids, from, to)
	if err != nil {
		return nil, nil, err
	}
	sets := make(map[int64]labels.Labels, len(chosen.ids))
	for i, id := range chosen.ids {
		sets[id] = chosen.labels[i]
	}
	return found, sets, nil
}

// bucketMatchers turns a selector of a histogram's count, sum or bare name into one of its
// buckets, which carry the exemplars; nil when it cannot be that: a counter has exemplars of its own.
func bucketMatchers(matchers []*labels.Matcher) []*labels.Matcher {
	at := slices.IndexFunc(matchers, func(m *labels.Matcher) bool {
		return m.Name == nameLabel && m.Type == labels.MatchEqual
	})
	if at < 0 || matchers[at].Value == "" || strings.HasSuffix(matchers[at].Value, "_bucket") || strings.HasSuffix(matchers[at].Value, "_total") {
		return nil
	}
	name := strings.TrimSuffix(strings.TrimSuffix(matchers[at].Value, "_count"), "_sum")
	out := slices.Clone(matchers)
	out[at] = labels.MustNewMatcher(labels.MatchEqual, nameLabel, name+"_bucket")
	return out
}

// ExemplarQuerier implements storage.ExemplarQueryable.
func (db *DB) ExemplarQuerier(ctx context.Context) (storage.ExemplarQuerier, error) {
	return &exemplarQuerier{db: db, ctx: ctx}, nil
}

// exemplarQuerier holds a context because Prometheus's interface gives Select none.
type exemplarQuerier struct {
	db  *DB
	ctx context.Context
}

// Select implements storage.ExemplarQuerier: the exemplars of the series that match any of the
// selectors, in order of series and time.
func (q *exemplarQuerier) Select(from, to int64, selectors ...[]*labels.Matcher) ([]exemplar.QueryResult, error) {
	bySeries := map[int64]*exemplar.QueryResult{}
	for _, matchers := range selectors {
		rows, sets, err := q.db.exemplarsOf(q.ctx, matchers, from, to)
		if err != nil {
			return nil, pgerror.Read(err)
		}
		fresh := map[int64]*exemplar.QueryResult{}
		for _, row := range slices.Backward(rows) { // oldest first
			if bySeries[row.series] != nil {
				continue // an earlier selector has it
			}
			r := fresh[row.series]
			if r == nil {
				r = &exemplar.QueryResult{SeriesLabels: sets[row.series]}
				fresh[row.series] = r
			}
			e, err := row.prometheus()
			if err != nil {
				return nil, err
			}
			r.Exemplars = append(r.Exemplars, e)
		}
		for id, r := range fresh {
			bySeries[id] = r
		}
	}
	out := make([]exemplar.QueryResult, 0, len(bySeries))
	for _, r := range bySeries {
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b exemplar.QueryResult) int { return labels.Compare(a.SeriesLabels, b.SeriesLabels) })
	return out, nil
}

// prometheus makes Prometheus's form, with the labels by which Grafana links to a trace.
func (e *exemplarRow) prometheus() (exemplar.Exemplar, error) {
	v, err := e.exemplar()
	if err != nil {
		return exemplar.Exemplar{}, err
	}
	b := labels.NewScratchBuilder(2 + len(v.Labels))
	b.Add("trace_id", v.TraceID.String())
	if !v.SpanID.IsZero() {
		b.Add("span_id", v.SpanID.String())
	}
	for _, l := range v.Labels {
		if l.Name != "trace_id" && l.Name != "span_id" {
			b.Add(l.Name, l.Value)
		}
	}
	b.Sort()
	return exemplar.Exemplar{Labels: b.Labels(), Value: v.Value, Ts: v.TimeNanos / 1e6, HasTs: true}, nil
}

// promMatchers compiles matchers.
func promMatchers(matchers []plait.Matcher) ([]*labels.Matcher, error) {
	types := map[plait.MatchOp]labels.MatchType{
		plait.MatchEqual: labels.MatchEqual, plait.MatchNotEqual: labels.MatchNotEqual,
		plait.MatchRegexp: labels.MatchRegexp, plait.MatchNotRegexp: labels.MatchNotRegexp,
	}
	out := make([]*labels.Matcher, len(matchers))
	for i, m := range matchers {
		op, ok := types[m.Op]
		if !ok {
			return nil, plait.Errorf(plait.ErrInvalid, "matcher %s%s%q: unknown operator", m.Name, m.Op, m.Value)
		}
		compiled, err := labels.NewMatcher(op, m.Name, m.Value)
		if err != nil {
			return nil, plait.Errorf(plait.ErrInvalid, "matcher %s%s%q: %w", m.Name, m.Op, m.Value, err)
		}
		out[i] = compiled
	}
	return out, nil
}

// millisOf turns a half open range into one that includes both ends.
func millisOf(r plait.TimeRange) (from, to int64) {
	from, to = int64(0), int64(maxRangeMillis)
	if !r.From.IsZero() {
		from = max(from, r.From.UnixMilli())
	}
	if !r.To.IsZero() {
		to = min(to, r.To.UnixMilli()-1)
	}
	return from, to
}

// maxRangeMillis is the year 2262, where nanoseconds end: a range of Postgres's own ends later.
const maxRangeMillis = math.MaxInt64 / 1_000_000
