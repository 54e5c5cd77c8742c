package spans

import (
	"context"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/partition"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/search"
	"github.com/plaithq/plait/store/terms"
)

// When nothing or only a service is asked for, fragments tell without a look at spans. A fragment begins with
// its first span. So two things are found out from spans: whether a service's are within the range where its fragment ends
// beyond it, and which traces have spans in the range whose fragments all begin before it.

const (
	fragmentsOfSQL = `SELECT trace_id, start_time, duration_ns
FROM plait_store.trace_fragment
WHERE start_time >= $1 AND start_time < $2 AND ($3::text IS NULL OR $3 = ANY (services)) AND `

	newestFragmentFirstSQL = `
ORDER BY start_time DESC
LIMIT $4`

	// searchFragmentsSQL finds fragments, newest first.
	searchFragmentsSQL = `
(` + fragmentsOfSQL + search.DaysSQL + newestFragmentFirstSQL + `)
UNION ALL
(` + fragmentsOfSQL + partition.OutsideSQL + newestFragmentFirstSQL + `)` + newestFragmentFirstSQL
)

// fragmentPage reads a page of a slice of time, newest first.
func (t *traceSearch) fragmentPage(ctx context.Context, from, to int64, limit int) (p search.Page, err error) {
	var matches []spanMatch
	var doubtful []terms.Unit
	err = pg.QueryRows(ctx, t.store.search, func(v [][]byte) {
		m := spanMatch{plait.TraceID(v[0]), rowcodec.TimeMicros(v[1])}
		p.Add(m.micros)
		if t.service != "" && m.micros+rowcodec.Int8(v[2])/1000 >= t.end {
			doubtful = append(doubtful, terms.Unit{ID: m.traceID})
			return
		}
		matches = append(matches, m)
	}, searchFragmentsSQL, pg.Planned, rowcodec.MicrosTime(from), rowcodec.MicrosTime(to), pg.Optional(t.service), limit)
	if err != nil {
		return p, err
	}
	p.Full = p.Rows >= limit
	if matches, err = t.matchesIn(ctx, matches, doubtful); err != nil {
		return p, err
	}
	return p, t.add(ctx, matches)
}

// matchesIn adds the spans of some traces that fit.
func (t *traceSearch) matchesIn(ctx context.Context, matches []spanMatch, units []terms.Unit) ([]spanMatch, error) {
	attributes, extra := t.plan.textNeeded()
	err := t.store.rowsOf(ctx, t.plan, units, t.walk.From, t.end, attributes, extra, func(rows []storedSpan) error {
		matches = matchesOf(matches, rows)
		return nil
	})
	newestFirst(matches)
	return matches, err
}

// straddlers finds the traces with spans in the range whose fragments all begin before it. They come last.
func (t *traceSearch) straddlers(ctx context.Context) error {
	if !t.straddling || t.enough() {
		return nil
	}
	units, err := t.store.terms.Find(ctx, t.plan.terms, t.walk.From, t.walk.From+1, false)
	if err != nil {
		return err
	}
	for {
		some, err := units.Next(ctx, unitsAtOnce)
		if err != nil {
			return err
		}
		unknown := make([]terms.Unit, 0, len(some))
		for _, u := range some {
			_, passed := t.passed[u.ID]
			if t.waiting[u.ID] == nil && !passed {
				unknown = append(unknown, u)
			}
		}
		matches, err := t.matchesIn(ctx, nil, unknown)
		if err != nil {
			return err
		}
		if err := t.add(ctx, matches); err != nil {
			return err
		}
		if len(some) < unitsAtOnce {
			t.straddling = false
			return nil
		}
	}
}
