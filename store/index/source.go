package index

import (
	"bytes"
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/terms"
)

// errGone says that a part of the index was merged or dropped while a search read it.
var errGone = errors.New("a part of the term index is gone, because the search took minutes or its day was dropped")

// source reads parts of the bodies of segments.
type source struct{ pool *pgxpool.Pool }

// A part of a body that is stored outside of its row is read without the rest.
const segmentPartsSQL = `
SELECT r.n, substring(s.body FROM r.at + 1 FOR r.size)
FROM unnest($1::int8[], $2::int4[], $3::int4[]) WITH ORDINALITY AS r (id, at, size, n)
JOIN plait_store.term_segment s ON s.id = r.id`

// Read returns the bytes of each range.
func (s source) Read(ctx context.Context, ranges []terms.Range) ([][]byte, error) {
	if len(ranges) == 0 {
		return nil, nil
	}
	ids, ats, sizes := make([]int64, len(ranges)), make([]int32, len(ranges)), make([]int32, len(ranges))
	total := 0
	for i, r := range ranges {
		ids[i], ats[i], sizes[i] = r.Segment, int32(r.At), int32(r.Size)
		total += r.Size
	}
	parts, kept := make([][]byte, len(ranges)), make([]byte, 0, total)
	found := 0
	err := pg.QueryRows(ctx, s.pool, func(v [][]byte) {
		begin := len(kept)
		kept = append(kept, v[1]...)
		parts[rowcodec.Int8(v[0])-1] = kept[begin:len(kept):len(kept)]
		found++
	}, segmentPartsSQL, ids, ats, sizes)
	if err != nil {
		return nil, err
	}
	if found < len(ranges) {
		return nil, errGone
	}
	return parts, nil
}

// remembered reads parts for searches, which ask for the same ones again: segments do not change, and a question
// is asked every few seconds by a dashboard, or with another service. A merge reads each part once.
type remembered struct {
	source
	index *Index
}

// maxRemembered is the longest part that is kept.
const maxRemembered = 256 << 10

// Read returns the bytes of each range. They belong to all searches: nobody may change them.
func (s remembered) Read(ctx context.Context, ranges []terms.Range) ([][]byte, error) {
	parts := make([][]byte, len(ranges))
	var missing []terms.Range
	var places []int
	s.index.mu.Lock()
	for i, r := range ranges {
		part, ok := s.index.parts.Get(r)
		if parts[i] = part; !ok {
			missing, places = append(missing, r), append(places, i)
		}
	}
	s.index.mu.Unlock()
	read, err := s.source.Read(ctx, missing)
	if err != nil {
		return nil, err
	}
	s.index.mu.Lock()
	defer s.index.mu.Unlock()
	for i, part := range read {
		parts[places[i]] = part
		if len(part) <= maxRemembered {
			s.index.parts.Put(missing[i], bytes.Clone(part)) // which does not hold on to the others
		}
	}
	return parts, nil
}
