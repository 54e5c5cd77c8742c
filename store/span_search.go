package store

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
)

const (
	searchSlowSpansSQL = `
SELECT ` + spanColumns + `
FROM (
    SELECT ` + spanColumns + ` FROM plait_store.span
    UNION ALL
    SELECT ` + spanColumns + ` FROM plait_store.span_outside
) s
WHERE` + spanMatchSQL + `
ORDER BY duration_ns DESC
LIMIT $13`

	searchNewSpansSQL = `
SELECT ` + spanColumns + `
FROM (
    SELECT ` + spanColumns + ` FROM plait_store.span
    UNION ALL
    SELECT ` + spanColumns + ` FROM plait_store.span_outside
) s
WHERE` + spanMatchSQL + `
ORDER BY start_time DESC, start_sub_ns DESC
LIMIT $13`
)

// Spans returns single spans by the labels that span-derived metrics have: service,
// span_name, span_kind (SPAN_KIND_SERVER…) and status_code (STATUS_CODE_ERROR…). Any other
// label is absent and has the empty value; __name__ is not compared. Spans that are the same in
// everything are one. What was found after ten seconds is answered.
func (s *Store) Spans(ctx context.Context, q plait.SpanQuery) ([]plait.Span, error) {
	search, err := s.newSpanSearch(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("search spans: %w", err)
	}
	if search.filter.impossible() {
		return nil, nil
	}
	bounded, cancel := searchContext(ctx)
	defer cancel()
	if q.Order == plait.SpansSlowestFirst {
		err = search.slowest(bounded)
	} else {
		err = search.newest(bounded)
	}
	if err != nil && (!timedOut(bounded, err) || len(search.rows) == 0) {
		return nil, fmt.Errorf("search spans: %w", err)
	}
	rows := search.rows[:min(len(search.rows), search.limit)]
	spans, err := s.lookup.decodeSpans(ctx, rows)
	if err != nil {
		return nil, fmt.Errorf("search spans: %w", err)
	}
	return foldSpans(spans, rows), nil
}

type spanSearch struct {
	store  *Store
	filter spanFilter
	named  map[int64]bool // operations whose spans' names must pass matchName
	// matchName compares the names of spans that have one of their own
	matchName matchers
	any       anyAttribute
	walk      timeWalk
	limit     int
	rows      []storedSpan
}

func (s *Store) newSpanSearch(ctx context.Context, q plait.SpanQuery) (*spanSearch, error) {
	search := &spanSearch{store: s, walk: newTimeWalk(q.Range, false, s.now()), limit: searchLimit(q.Limit)}
	f := &search.filter
	f.minDuration, f.maxDuration = optional(int64(q.Min)), optional(int64(q.Max))
	byLabel, err := compileMatchers(q.Matchers)
	if err != nil {
		return nil, err
	}
	if m, ok := byLabel[spanmetrics.LabelStatusCode]; ok {
		f.statuses = slices.DeleteFunc([]int16{0, 1, 2}, func(code int16) bool {
			return !m.match(spanmetrics.StatusLabel(plait.StatusCode(code)))
		})
	}
	for label, m := range byLabel {
		switch label {
		case spanmetrics.LabelService, spanmetrics.LabelSpanName, spanmetrics.LabelSpanKind, spanmetrics.LabelStatusCode, "__name__":
		default:
			if !m.match("") {
				f.statuses = []int16{} // no span has the label
			}
		}
	}
	if err := search.restrictOperations(ctx, byLabel); err != nil {
		return nil, err
	}
	if len(q.Resource) > 0 {
		if f.resources, err = s.resourcesMatching(ctx, q.Resource); err != nil {
			return nil, err
		}
	}
	if len(q.AnyAttribute) > 0 {
		search.any, err = s.newAnyAttribute(ctx, q.AnyAttribute)
		f.attributes = []attributeCondition{search.any.guess}
	}
	return search, err
}

// restrictOperations evaluates the matchers over the dictionary of operations.
func (t *spanSearch) restrictOperations(ctx context.Context, byLabel map[string]matchers) error {
	service, name, kind := byLabel[spanmetrics.LabelService], byLabel[spanmetrics.LabelSpanName], byLabel[spanmetrics.LabelSpanKind]
	if service == nil && name == nil && kind == nil {
		return nil
	}
	operations, err := t.store.operationsLike(ctx, service.equal(), name.equal(), nil)
	if err != nil {
		return err
	}
	t.matchName, t.named = name, make(map[int64]bool)
	t.filter.operations = []int64{}
	for id, o := range operations {
		if !service.match(o.service) || !kind.match(spanmetrics.KindLabel(o.kind)) {
			continue
		}
		if o.name == "" && name != nil {
			t.named[id] = true
		} else if !name.match(o.name) {
			continue
		}
		t.filter.operations = append(t.filter.operations, id)
	}
	return nil
}

const resourcesSQL = `
SELECT id, attributes
FROM plait_store.resource`

// resourcesMatching returns the ids of the resources whose attributes match.
func (s *Store) resourcesMatching(ctx context.Context, wanted []plait.Matcher) ([]int64, error) {
	byKey, err := compileMatchers(wanted)
	if err != nil {
		return nil, err
	}
	ids := []int64{}
	var bad error
	err = queryRows(ctx, s.readPool, func(v [][]byte) {
		attributes, err := plait.ParseAttributes(string(v[1]))
		if err != nil {
			bad = err
			return
		}
		for key, m := range byKey {
			if v, _ := attributes.Get(key); !m.match(v.Text()) {
				return
			}
		}
		ids = append(ids, readInt8(v[0]))
	}, resourcesSQL)
	if err = cmp.Or(err, bad); err != nil {
		return nil, fmt.Errorf("list resources: %w", err)
	}
	return ids, nil
}

// slowSpan is the bound of the partial index span_slow.
const slowSpan = 1_000_000_001

// slowest reads the slowest spans of the range. If enough of them took more than a second, the
// index on those has told all.
func (t *spanSearch) slowest(ctx context.Context) error {
	asked := t.filter.minDuration
	if asked == nil || *asked < slowSpan {
		t.filter.minDuration = optional[int64](slowSpan)
		if err := t.read(ctx, searchSlowSpansSQL, t.walk.from, t.walk.to); err != nil || len(t.rows) >= t.limit {
			return err
		}
		t.filter.minDuration, t.rows = asked, nil
	}
	return t.read(ctx, searchSlowSpansSQL, t.walk.from, t.walk.to)
}

// newest walks back in time until there are enough spans.
func (t *spanSearch) newest(ctx context.Context) error {
	for !t.walk.done() && len(t.rows) < t.limit {
		from, to := t.walk.slice()
		if err := t.read(ctx, searchNewSpansSQL, from, to); err != nil {
			return err
		}
		t.walk.read(from, to)
	}
	return nil
}

// read appends the first matching spans of a slice. Names that no dictionary holds, and attributes,
// are compared here, so of those it reads more than are wanted.
func (t *spanSearch) read(ctx context.Context, sql string, from, to int64) error {
	limit := t.limit - len(t.rows)
	if len(t.named) > 0 || t.any.wanted != nil {
		limit = max(limit, maxSearchLimit)
	}
	var bad error
	err := queryRows(ctx, t.store.readPool, func(v [][]byte) {
		row := scanSpan(v)
		if t.named[row.operation] {
			name, err := inlineName(row.extra)
			if bad = cmp.Or(bad, err); err != nil || !t.matchName.match(name) {
				return
			}
		}
		if t.any.wanted != nil {
			fits, err := t.any.fits(&row)
			if bad = cmp.Or(bad, err); err != nil || !fits {
				return
			}
		}
		t.rows = append(t.rows, row)
	}, sql, append(t.filter.arguments(from, to), limit)...)
	return cmp.Or(err, bad)
}

// matchers are the conditions on one label. None match everything.
type matchers []matcher

type matcher struct {
	op      plait.MatchOp
	value   string
	pattern *regexp.Regexp // of MatchRegexp and MatchNotRegexp
}

// compileMatchers groups matchers by label. Regular expressions are anchored at both ends and
// their dot fits a line break, as Prometheus has them.
func compileMatchers(wanted []plait.Matcher) (map[string]matchers, error) {
	byLabel := make(map[string]matchers)
	for _, w := range wanted {
		m := matcher{op: w.Op, value: w.Value}
		switch w.Op {
		case plait.MatchEqual, plait.MatchNotEqual:
		case plait.MatchRegexp, plait.MatchNotRegexp:
			var err error
			if m.pattern, err = regexp.Compile("^(?s:" + w.Value + ")$"); err != nil {
				return nil, fmt.Errorf("matcher of %s: %w: %w", w.Name, plait.ErrInvalid, err)
			}
		default:
			return nil, fmt.Errorf("matcher of %s: operator %q: %w", w.Name, w.Op, plait.ErrInvalid)
		}
		byLabel[w.Name] = append(byLabel[w.Name], m)
	}
	return byLabel, nil
}

func (m matcher) match(value string) bool {
	switch m.op {
	case plait.MatchEqual:
		return value == m.value
	case plait.MatchNotEqual:
		return value != m.value
	case plait.MatchRegexp:
		return m.pattern.MatchString(value)
	}
	return !m.pattern.MatchString(value)
}

func (ms matchers) match(value string) bool {
	for _, m := range ms {
		if !m.match(value) {
			return false
		}
	}
	return true
}

// equal returns the one value that can match, or nil when there may be several.
func (ms matchers) equal() *string {
	for _, m := range ms {
		if m.op == plait.MatchEqual {
			return &m.value
		}
	}
	return nil
}
