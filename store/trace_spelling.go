package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/plaithq/plait"
)

// A 64-bit tracer writes the lower half of a trace id, padded with zeros. Its spans and
// records belong to the trace that others write in full, so every reader looks for both
// spellings: the padded one of a full id is known at once, the full one of a padded id is
// found by the lower halves that trace_fragment indexes.

// spelling maps the trace ids under which rows are stored to the ids that were asked for.
type spelling map[plait.TraceID][]plait.TraceID

// low_id tells nothing of the upper half, so ids that are stored padded are left out here.
const fullTraceIDsSQL = `
SELECT trace_id, low_id, start_time
FROM plait_store.trace_fragment
WHERE low_id = ANY ($1)
UNION ALL
SELECT trace_id, low_id, start_time
FROM plait_store.trace_fragment_outside
WHERE low_id = ANY ($1)`

// spell returns how the traces may be stored.
func (s *Store) spell(ctx context.Context, ids ...plait.TraceID) (spelling, error) {
	sp := make(spelling, 2*len(ids))
	var lows []int64
	for _, id := range ids {
		sp.add(id, id)
		if short := lowerHalf(id); short == id {
			lows = append(lows, int64(id.Low()))
		} else if !short.IsZero() {
			sp.add(short, id)
		}
	}
	if len(lows) == 0 {
		return sp, nil
	}
	full, err := s.fullTraceIDs(ctx, lows)
	if err != nil {
		return nil, err
	}
	for low, id := range full {
		sp.add(id, paddedTraceID(low))
	}
	return sp, nil
}

// fullTraceIDs finds the traces of which only the lower halves are known. If several have the
// same, it is the newest.
func (s *Store) fullTraceIDs(ctx context.Context, lows []int64) (map[int64]plait.TraceID, error) {
	found := make(map[int64]plait.TraceID)
	newest := make(map[int64]int64)
	err := queryRows(ctx, s.lookup.pool, func(v [][]byte) {
		id, low, start := plait.TraceID(v[0]), readInt8(v[1]), readTimeMicros(v[2])
		if id == lowerHalf(id) {
			return
		}
		if seen, ok := newest[low]; !ok || start > seen {
			found[low], newest[low] = id, start
		}
	}, fullTraceIDsSQL, lows)
	if err != nil {
		return nil, fmt.Errorf("look up 64-bit trace ids: %w", err)
	}
	return found, nil
}

func (sp spelling) add(stored, asked plait.TraceID) {
	if !slices.Contains(sp[stored], asked) {
		sp[stored] = append(sp[stored], asked)
	}
}

// only returns what of sp leads to some of the ids that were asked for.
func (sp spelling) only(some map[plait.TraceID]bool) spelling {
	part := make(spelling, len(some))
	for stored, asked := range sp {
		for _, id := range asked {
			if some[id] {
				part.add(stored, id)
			}
		}
	}
	return part
}

// hex returns the stored ids as the indexes have them.
func (sp spelling) hex() []string {
	texts := make([]string, 0, len(sp))
	for id := range sp {
		texts = append(texts, id.String())
	}
	return texts
}

// full returns the longest spelling of the one trace that was asked for.
func (sp spelling) full(asked plait.TraceID) plait.TraceID {
	for id := range sp {
		if id != lowerHalf(id) {
			return id
		}
	}
	return asked
}

// lowerHalf returns the id as a 64-bit tracer knows it.
func lowerHalf(id plait.TraceID) plait.TraceID {
	clear(id[:8])
	return id
}

func paddedTraceID(low int64) plait.TraceID {
	var id plait.TraceID
	binary.BigEndian.PutUint64(id[8:], uint64(low))
	return id
}
