package spans

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/search"
)

// What is usual for an operation is the median duration of its spans that ended before a window. The counts of the minutes
// before the window tell it (store/tally). Two things they do not tell: the last minutes before the window, of which
// some spans ended in it, and spans that have names of their own. These are read.
const (
	// usualReach is how long before the window spans tell at first, and usualDay how long where there are none.
	usualReach = 15 * time.Minute
	usualDay   = 24 * time.Hour
	// usualMinutes is the time before the window whose spans are read where the counts tell nothing.
	usualMinutes = 2 * time.Minute
	// usualRead and usualFragments bound the spans with names of their own that are read, and the fragments of traces
	// that tell where these begin.
	usualRead      = 50_000
	usualFragments = 20_000
	// usualLimit is when looking before the window is given up: its spans may have to come from disks.
	usualLimit = 2 * time.Second
	// usualSpans is how many spans of an operation in the window tell what is usual where there are none
	// before it.
	usualSpans = 20
	// usualOperations bounds the operations whose durations are known.
	usualOperations = 20_000
)

// operationKey is an operation in the dictionary, with the name of spans that have one of their own.
type operationKey struct {
	id   int64
	name string
}

// durations are those of an operation.
type durations struct {
	spans  int64
	median int64
}

// typicalDurations say what is usual.
type typicalDurations map[operationKey]durations

func (t typicalDurations) of(key operationKey) int64 { return t[key].median }

// learn notes the durations of an operation, unless they are known.
func (t typicalDurations) learn(key operationKey, d durations) {
	if _, known := t[key]; !known {
		t[key] = d
	}
}

// byOperation returns the operations, the names of their spans, and the medians.
func (t typicalDurations) byOperation() (ids []int64, names []string, medians []int64) {
	ids, names, medians = []int64{}, []string{}, []int64{}
	for key, d := range t {
		ids, names, medians = append(ids, key.id), append(names, key.name), append(medians, d.median)
	}
	return ids, names, medians
}

const (
	usualSinceSQL = `
SELECT start_time
FROM (
    SELECT start_time, sum(span_count) OVER latest AS spans, row_number() OVER latest AS fragments
    FROM (
        SELECT start_time, span_count
        FROM plait_store.trace_fragment
        WHERE start_time >= $1 AND start_time < $2 AND ` + search.ShelvesSQL + `
        ORDER BY start_time DESC
        LIMIT $4
    ) f
    WINDOW latest AS (ORDER BY start_time DESC ROWS UNBOUNDED PRECEDING)
) f
WHERE spans >= $3 OR fragments = $4
ORDER BY start_time DESC
LIMIT 1`

	inlineNameSQL = `CASE WHEN operation = ANY ($12) THEN coalesce(nullif(extra, '')::jsonb ->> 'name', '') ELSE '' END`

	// Exact medians would have to sort all durations. Counted in buckets an eighth of a doubling wide,
	// the mean of the bucket with the median is at most 9 % off, and exact where all are equal.
	countedSQL = `count(*) AS n, avg(duration_ns)::int8 AS mean, floor(8 / ln(2::float8) * ln(greatest(duration_ns, 1)::float8)) AS bucket`

	mediansSQL = `
SELECT operation, name, spans::int8, mean
FROM (
    SELECT operation, name, n, mean, sum(n) OVER (PARTITION BY operation, name ORDER BY bucket) AS upto, sum(n) OVER (PARTITION BY operation, name) AS spans
    FROM counted
) c
WHERE 2 * upto >= spans AND 2 * (upto - n) < spans
ORDER BY spans DESC`

	windowDurationsSQL = `
WITH counted AS (
    SELECT operation, ` + inlineNameSQL + ` AS name, ` + countedSQL + overlappingSQL + overlapConditionsSQL + `
      AND operation <> ALL ($13)
    GROUP BY 1, 2, 5
)` + mediansSQL + `
LIMIT $8`

	earlierDurationsSQL = `
WITH counted AS (
    SELECT operation, CASE WHEN operation = ANY ($4) THEN coalesce(nullif(extra, '')::jsonb ->> 'name', '') ELSE '' END AS name, ` + countedSQL + `
    FROM plait_store.span
    WHERE start_time >= $1 AND start_time < $2 AND ` + search.ShelvesSQL + `
      AND ($3::int8[] IS NULL OR operation = ANY ($3))
      AND duration_ns < 1e9::float8 * date_part('epoch', $2 - start_time)
    GROUP BY 1, 2, 5
)` + mediansSQL + `
LIMIT $5`
)

// learn finds out what is usual for the operations asked for from their last spans before the window.
// Where that takes too long, nothing is.
func (u *unusualSearch) learn(ctx context.Context) error {
	u.typical = typicalDurations{}
	if u.walk.From <= rowcodec.MinMicros {
		return nil
	}
	return u.beforeTheWindow(ctx, func(ctx context.Context) error {
		if err := u.readCounts(ctx, usualReach); err != nil || len(u.inline) == 0 {
			return err
		}
		since, err := u.usualSince(ctx)
		if err != nil {
			return err
		}
		return u.durations(ctx, earlierDurationsSQL, pg.Planned, since, rowcodec.MicrosTime(u.walk.From), u.inline, u.inline, usualOperations)
	})
}

// learnMore looks further for operations of which nothing is known: at the last minutes before the window, and at a day.
func (u *unusualSearch) learnMore(ctx context.Context) error {
	if u.walk.From <= rowcodec.MinMicros {
		return nil
	}
	return u.beforeTheWindow(ctx, func(ctx context.Context) error {
		from := rowcodec.MicrosTime(max(u.walk.From-usualMinutes.Microseconds(), rowcodec.MinMicros))
		err := u.durations(ctx, earlierDurationsSQL, pg.Planned, from, rowcodec.MicrosTime(u.walk.From), u.plan.operations, u.inline, usualOperations)
		if err != nil {
			return err
		}
		return u.readCounts(ctx, usualDay)
	})
}

// beforeTheWindow bounds the time that looking there may take.
func (u *unusualSearch) beforeTheWindow(ctx context.Context, look func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, usualLimit)
	defer cancel()
	if err := look(bounded); err != nil && (!search.TimedOut(bounded, err) || ctx.Err() != nil) {
		return fmt.Errorf("read spans before the window: %w", err)
	}
	return nil
}

// usualSince is from when on spans before the window are read.
func (u *unusualSearch) usualSince(ctx context.Context) (time.Time, error) {
	since := rowcodec.MicrosTime(max(u.walk.From-usualDay.Microseconds(), rowcodec.MinMicros))
	err := pg.QueryRows(ctx, u.store.search, func(v [][]byte) { since = rowcodec.MicrosTime(rowcodec.TimeMicros(v[0])) },
		usualSinceSQL, pg.Planned, since, rowcodec.MicrosTime(u.walk.From), usualRead, usualFragments)
	return since, err
}

// learnFromWindow finds out what is usual from the window for operations of which there is nothing before it: from the counts of
// its minutes. Few spans are read, as are those with names of their own.
func (u *unusualSearch) learnFromWindow(ctx context.Context) error {
	before := u.typical
	u.typical = typicalDurations{}
	read, tells := u.plan.operations, u.window != nil && u.window.allSpans > rankedAtOnce
	if tells {
		maps.DeleteFunc(u.window.all, func(id int64, _ counted) bool { return slices.Contains(u.inline, id) })
		u.typical.learnCounted(u.window.all)
		read = u.inline
	}
	var err error
	if !tells || len(read) > 0 {
		err = u.readWindow(ctx, read, before)
	}
	for key, d := range u.typical {
		if d.spans < usualSpans {
			delete(u.typical, key)
		}
	}
	maps.Copy(u.typical, before)
	if err != nil {
		return fmt.Errorf("count the spans of the window: %w", err)
	}
	return nil
}

// readWindow reads the durations of some operations, nil for all, but those that are known.
func (u *unusualSearch) readWindow(ctx context.Context, operations []int64, known typicalDurations) error {
	plan, ids := spanPlan{operations: operations}, []int64{}
	for key := range known {
		if key.name == "" {
			ids = append(ids, key.id)
		}
	}
	return u.durations(ctx, windowDurationsSQL,
		append(plan.arguments(u.walk.From, u.walk.To), usualOperations, rowcodec.MicrosTime(u.near), u.before, [][16]byte(nil), u.inline, ids)...)
}

// durations reads those of operations.
func (u *unusualSearch) durations(ctx context.Context, sql string, args ...any) error {
	return pg.QueryRows(ctx, u.store.search, func(v [][]byte) {
		u.typical.learn(operationKey{rowcodec.Int8(v[0]), string(v[1])}, durations{rowcodec.Int8(v[2]), rowcodec.Int8(v[3])})
	}, sql, args...)
}
