package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// What is usual for an operation is the median duration of its spans that ended before a window. The
// last of them tell it best, so the time before the window is read in steps, each four times as long as
// the one before and with all of it, until each operation has some of them or a day is read.
const (
	// usualSpans is how many spans of an operation tell what is usual.
	usualSpans = 20
	usualReach = 24 * time.Hour
	// usualTime is when no more steps are begun, usualLimit when the last one is given up: rare
	// operations are not worth a wait.
	usualTime  = 300 * time.Millisecond
	usualLimit = 2 * time.Second
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

// byOperation returns the operations whose names are in the dictionary, and their medians.
func (t typicalDurations) byOperation() (ids, medians []int64) {
	ids, medians = []int64{}, []int64{}
	for key, d := range t {
		if key.name == "" {
			ids, medians = append(ids, key.id), append(medians, d.median)
		}
	}
	return ids, medians
}

const (
	durationsSQL = `count(*), (percentile_disc(0.5) WITHIN GROUP (ORDER BY duration_ns))::int8`

	inlineNameSQL = `CASE WHEN operation = ANY ($16) THEN coalesce(extra::jsonb ->> 'name', '') ELSE '' END`

	windowDurationsSQL = `
SELECT operation, ` + inlineNameSQL + `, ` + durationsSQL + overlappingSQL + overlapConditionsSQL + `
GROUP BY 1, 2
ORDER BY 3 DESC
LIMIT $13`

	earlierDurationsSQL = `
SELECT operation, CASE WHEN operation = ANY ($4) THEN coalesce(extra::jsonb ->> 'name', '') ELSE '' END, ` + durationsSQL + `
FROM (
    SELECT operation, start_time, duration_ns, extra FROM plait_store.span
    UNION ALL
    SELECT operation, start_time, duration_ns, extra FROM plait_store.span_outside
) s
WHERE start_time >= $1 AND start_time < $2
  AND operation = ANY ($3)
  AND duration_ns < 1e9::float8 * extract(epoch FROM $2 - start_time)::float8
GROUP BY 1, 2
ORDER BY 3 DESC
LIMIT $5`
)

// learn finds out what is usual for the operations in the window.
func (u *unusualSearch) learn(ctx context.Context) error {
	args := u.filter
	args.minDuration, args.maxDuration, args.statuses, args.resources, args.attributes = nil, nil, nil, nil, nil
	window := append(append(args.arguments(u.walk.from, u.walk.to), usualOperations, microsTime(u.near), u.before), u.inline)
	inWindow, err := u.durations(ctx, windowDurationsSQL, window...)
	if err != nil {
		return fmt.Errorf("count the spans of the window: %w", err)
	}
	earlier := u.earlier(ctx, inWindow)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	u.typical = typicalDurations{}
	for key, d := range inWindow {
		switch before := earlier[key]; {
		case before.spans > 0:
			u.typical[key] = before
		case d.spans >= usualSpans:
			u.typical[key] = d
		}
	}
	return nil
}

// earlier returns the durations of operations before the window, as far as they are found in time.
func (u *unusualSearch) earlier(ctx context.Context, wanted typicalDurations) typicalDurations {
	ids := make([]int64, 0, len(wanted))
	for key := range wanted {
		ids = append(ids, key.id)
	}
	if len(ids) == 0 || u.walk.from <= minMicros {
		return nil
	}
	begin := time.Now()
	bounded, cancel := context.WithTimeout(ctx, usualLimit)
	defer cancel()
	var found typicalDurations
	for reach := firstSlice; ; reach *= sliceGrowth {
		reach = min(reach, int64(usualReach/time.Microsecond))
		from := max(u.walk.from-reach, minMicros)
		some, err := u.durations(bounded, earlierDurationsSQL, planned, microsTime(from), microsTime(u.walk.from), ids, u.inline, usualOperations)
		if err != nil {
			if !errors.Is(bounded.Err(), context.DeadlineExceeded) {
				u.store.log.WarnContext(ctx, "what is usual before a window is not known", "error", err)
			}
			return found
		}
		found = some
		if enough(found, wanted) || reach == int64(usualReach/time.Microsecond) || time.Since(begin) > usualTime {
			return found
		}
	}
}

// enough says whether there are enough spans of each operation.
func enough(found, wanted typicalDurations) bool {
	for key := range wanted {
		if found[key].spans < usualSpans {
			return false
		}
	}
	return true
}

func (u *unusualSearch) durations(ctx context.Context, sql string, args ...any) (typicalDurations, error) {
	found := typicalDurations{}
	err := queryRows(ctx, u.store.readPool, func(v [][]byte) {
		found[operationKey{readInt8(v[0]), string(v[1])}] = durations{readInt8(v[2]), readInt8(v[3])}
	}, sql, args...)
	return found, err
}
