// Package traceid knows under which spellings of its id a trace is stored, and gives half ids their other half.
package traceid

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
)

// A 64-bit tracer writes the lower half of a trace id, padded with zeros. Its spans and
// records belong to the trace that others write in full, so every reader looks for both
// spellings: the padded one of a full id is known at once, the full one of a padded id is
// found by the lower halves that trace_fragment indexes.

// Spelling maps the trace ids under which rows are stored to the ids that were asked for.
type Spelling map[plait.TraceID][]plait.TraceID

// low_id tells nothing of the upper half, so ids that are stored padded are left out here.
const fullTraceIDsSQL = `
SELECT trace_id, low_id, start_time
FROM plait_store.trace_fragment
WHERE low_id = ANY ($1)`

// Index knows how the ids of traces are stored.
type Index struct {
	search *pgxpool.Pool
	lookup *pgxpool.Pool // for statements that are planned once

	seen time.Time // up to when half ids were looked through: see halves.go
}

// New makes one whose statements are sent by the pools.
func New(search, lookup *pgxpool.Pool) *Index {
	return &Index{search: search, lookup: lookup}
}

// Spell returns how the traces may be stored.
func (s *Index) Spell(ctx context.Context, ids ...plait.TraceID) (Spelling, error) {
	sp := make(Spelling, 2*len(ids))
	var lows []int64
	for _, id := range ids {
		sp.add(id, id)
		if short := LowerHalf(id); short == id {
			lows = append(lows, int64(id.Low()))
		} else if !short.IsZero() {
			sp.add(short, id)
		}
	}
	if len(lows) == 0 {
		return sp, nil
	}
	full, err := s.Full(ctx, lows)
	if err != nil {
		return nil, err
	}
	for low, id := range full {
		sp.add(id, Padded(low))
	}
	return sp, nil
}

// Full finds the traces of which only the lower halves are known. If several have the
// same, it is the newest.
func (s *Index) Full(ctx context.Context, lows []int64) (map[int64]plait.TraceID, error) {
	found := make(map[int64]plait.TraceID)
	newest := make(map[int64]int64)
	err := s.wholes(ctx, lows, func(id plait.TraceID, low, start int64) {
		if seen, ok := newest[low]; !ok || start > seen {
			found[low], newest[low] = id, start
		}
	})
	return found, err
}

// Wholes finds all traces that have one of the lower halves, some of them several times: rows with half an id were
// given one of these.
func (s *Index) Wholes(ctx context.Context, lows []int64) (ids []plait.TraceID, err error) {
	err = s.wholes(ctx, lows, func(id plait.TraceID, _, _ int64) { ids = append(ids, id) })
	return ids, err
}

func (s *Index) wholes(ctx context.Context, lows []int64, found func(id plait.TraceID, low, start int64)) error {
	err := pg.QueryRows(ctx, s.lookup, func(v [][]byte) {
		if id := plait.TraceID(v[0]); !IsHalf(id) {
			found(id, rowcodec.Int8(v[1]), rowcodec.TimeMicros(v[2]))
		}
	}, fullTraceIDsSQL, lows)
	if err != nil {
		return fmt.Errorf("look up 64-bit trace ids: %w", err)
	}
	return nil
}

func (sp Spelling) add(stored, asked plait.TraceID) {
	if !slices.Contains(sp[stored], asked) {
		sp[stored] = append(sp[stored], asked)
	}
}

// Only returns what of sp leads to some of the ids that were asked for.
func (sp Spelling) Only(some map[plait.TraceID]bool) Spelling {
	part := make(Spelling, len(some))
	for stored, asked := range sp {
		for _, id := range asked {
			if some[id] {
				part.add(stored, id)
			}
		}
	}
	return part
}

// Stored returns the ids under which rows are stored, as a parameter of type uuid[].
func (sp Spelling) Stored() [][16]byte {
	ids := make([][16]byte, 0, len(sp))
	for id := range sp {
		ids = append(ids, id)
	}
	return ids
}

// Full returns the longest spelling of the one trace that was asked for.
func (sp Spelling) Full(asked plait.TraceID) plait.TraceID {
	for id := range sp {
		if id != LowerHalf(id) {
			return id
		}
	}
	return asked
}

// LowerHalf returns the id as a 64-bit tracer knows it.
func LowerHalf(id plait.TraceID) plait.TraceID {
	clear(id[:8])
	return id
}

// Padded returns the trace id of a 64-bit tracer, given its number.
func Padded(low int64) plait.TraceID {
	var id plait.TraceID
	binary.BigEndian.PutUint64(id[8:], uint64(low))
	return id
}
