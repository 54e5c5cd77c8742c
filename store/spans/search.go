package spans

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/canonical"
	"github.com/plaithq/plait/spanmetrics"
	"github.com/plaithq/plait/store/dictionary"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/search"
)

const searchNewSpansSQL = `
SELECT ` + spanColumns + `
FROM plait_store.span
WHERE` + spanMatchSQL + `
ORDER BY start_time DESC, start_sub_ns DESC
LIMIT $15`

// Spans returns single spans by the labels that span-derived metrics have: service,
// span_name, span_kind (SPAN_KIND_SERVER…) and status_code (STATUS_CODE_ERROR…). Any other
// label is absent and has the empty value; __name__ is not compared. Spans that are the same in
// everything are one. What was found after ten seconds is answered.
func (s *Reader) Spans(ctx context.Context, q plait.SpanQuery) ([]plait.Span, error) {
	if q.Order == plait.SpansSlowestFirst {
		return s.slowestSpans(ctx, q)
	}
	t, err := s.newSpanSearch(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("search spans: %w", err)
	}
	if t.filter.impossible() {
		return nil, nil
	}
	bounded, cancel := search.Bounded(ctx)
	defer cancel()
	if err := t.newest(bounded); err != nil && (!search.TimedOut(bounded, err) || len(t.rows) == 0) {
		return nil, fmt.Errorf("search spans: %w", err)
	}
	rows := t.rows[:min(len(t.rows), t.limit)]
	spans, err := s.decodeSpans(ctx, rows)
	if err != nil {
		return nil, fmt.Errorf("search spans: %w", err)
	}
	return foldSpans(ctx, spans, rows)
}

type spanSearch struct {
	store  *Reader
	filter spanFilter
	named  map[int64]bool // operations whose spans' names must pass matchName
	// matchName compares the names of spans that have one of their own
	matchName matchers
	any       anyAttribute
	walk      search.Walk
	limit     int
	memory    search.Memory
	rows      []storedSpan
}

func (s *Reader) newSpanSearch(ctx context.Context, q plait.SpanQuery) (*spanSearch, error) {
	t := &spanSearch{store: s, walk: search.NewWalk(q.Range, false, s.now()), limit: search.Limit(q.Limit), memory: search.NewMemory(ctx)}
	f := &t.filter
	f.minDuration, f.maxDuration = pg.Optional(int64(q.Min)), pg.Optional(int64(q.Max))
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
	if err := t.restrictOperations(ctx, byLabel); err != nil {
		return nil, err
	}
	if len(q.Resource) > 0 {
		if f.resources, err = s.resourcesMatching(ctx, q.Resource); err != nil {
			return nil, err
		}
	}
	if len(q.AnyAttribute) > 0 {
		t.any, err = s.newAnyAttribute(ctx, q.AnyAttribute)
		f.attributes = []dictionary.AttributeCondition{t.any.guess}
	}
	return t, err
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
		if !service.match(o.Service) || !kind.match(spanmetrics.KindLabel(o.Kind)) {
			continue
		}
		if o.Name == "" && name != nil {
			t.named[id] = true
		} else if !name.match(o.Name) {
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
func (s *Reader) resourcesMatching(ctx context.Context, wanted []plait.Matcher) ([]int64, error) {
	byKey, err := compileMatchers(wanted)
	if err != nil {
		return nil, err
	}
	ids := []int64{}
	var bad error
	err = pg.QueryRows(ctx, s.search, func(v [][]byte) {
		attributes, err := canonical.ParseAttributes(string(v[1]))
		if err != nil {
			bad = err
			return
		}
		for key, m := range byKey {
			if v, _ := attributes.Get(key); !m.match(v.Text()) {
				return
			}
		}
		ids = append(ids, rowcodec.Int8(v[0]))
	}, resourcesSQL)
	if err = cmp.Or(err, bad); err != nil {
		return nil, fmt.Errorf("list resources: %w", err)
	}
	return ids, nil
}

// newest walks back in time until there are enough spans.
func (t *spanSearch) newest(ctx context.Context) error {
	enough := func() bool { return len(t.rows) >= t.limit || !t.memory.Left() }
	limit := t.limit
	if t.comparesRows() {
		limit = max(limit, search.ComparedRows)
	}
	return t.walk.Pages(ctx, limit, enough, t.page)
}

// comparesRows says that Postgres cannot tell all that fit: names that no dictionary holds, and
// attributes, are compared here.
func (t *spanSearch) comparesRows() bool { return len(t.named) > 0 || t.any.wanted != nil }

// page appends those rows of a page that fit.
func (t *spanSearch) page(ctx context.Context, from, to int64, limit int) (p search.Page, err error) {
	var bad error
	met := t.ofMicrosecond(to - 1)
	err = pg.QueryUntil(ctx, t.store.search, func(v [][]byte) bool {
		row := scanSpan(v)
		p.Add(row.startMicros)
		fits, err := t.fits(&row)
		if bad = err; err != nil {
			return false
		}
		if fits && !met[row] {
			t.rows = append(t.rows, row)
			if !t.memory.Take(row.size()) {
				p.Full = true
				return false
			}
		}
		return true
	}, searchNewSpansSQL, append(t.filter.arguments(from, to), limit)...)
	p.Full = p.Full || p.Rows >= limit
	return p, cmp.Or(err, bad)
}

// ofMicrosecond are the rows of a microsecond among the last that fit. A page begins with the last
// microsecond of the page before.
func (t *spanSearch) ofMicrosecond(micros int64) map[storedSpan]bool {
	met := map[storedSpan]bool{}
	for _, row := range slices.Backward(t.rows) {
		if row.startMicros != micros {
			break
		}
		met[row] = true
	}
	return met
}

// fits compares what Postgres could not.
func (t *spanSearch) fits(row *storedSpan) (bool, error) {
	if t.named[row.operation] {
		name, err := inlineName(row.extra)
		if err != nil || !t.matchName.match(name) {
			return false, err
		}
	}
	if t.any.wanted != nil {
		return t.any.fits(row)
	}
	return true, nil
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
