package dictionary

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
)

// RecordKeys are the keys of log records' attributes.
type RecordKeys struct {
	Keys  []string
	Maps  []string // those that have had a map as their value
	Whole bool     // none of up to MaxIndexedText bytes is missing, but the empty one
}

// maxRecordKeys bounds how many keys are read.
const maxRecordKeys = 10_000

const recordKeysSQL = `
SELECT place, key
FROM plait_store.attribute_key
WHERE place = ANY ($1)
LIMIT $2`

// ReadRecordKeys reads the keys that log records have whose commit ended before it was called.
func ReadRecordKeys(ctx context.Context, pool *pgxpool.Pool) (*RecordKeys, error) {
	k, rows := &RecordKeys{Whole: true}, 0
	err := pg.QueryRows(ctx, pool, func(v [][]byte) {
		rows++
		switch key := string(v[1]); {
		case key == unlisted:
			k.Whole = false
		case KeyPlace(rowcodec.Int2(v[0])) == LogMapKeys:
			k.Maps = append(k.Maps, key)
		default:
			k.Keys = append(k.Keys, key)
		}
	}, recordKeysSQL, []int16{int16(LogKeys), int16(LogMapKeys)}, maxRecordKeys+1)
	if err != nil {
		return nil, fmt.Errorf("read keys of log records' attributes: %w", err)
	}
	k.Whole = k.Whole && rows <= maxRecordKeys
	return k, nil
}
