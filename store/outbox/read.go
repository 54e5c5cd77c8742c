package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/store/pgerror"
)

// Place is how far a target has come: a number, and the records of the signal up to and with it.
type Place struct {
	Position int64
	Total    int64
}

// Row is a row of the outbox: records as the encoding made them.
type Row struct {
	Records int
	MadeAt  time.Time // when it was committed, by the database's clock
	Body    []byte
}

// Batch is what follows a place.
type Batch struct {
	Rows []Row
	// Expired is how many records after the place are gone: retention removed them.
	Expired int64
	// Begin is the place that it follows.
	Begin Place
	// End is the place of the last row.
	End Place
}

// What one batch holds at most, beyond its first row.
const (
	batchRows    = 256
	batchRecords = 8192
	batchBytes   = 1 << 20
)

const (
	// nextSQL reads the bodies of those rows only that are in the batch.
	nextSQL = `
SELECT position, total, record_count, made_at, body
FROM (
	SELECT position, total, record_count, made_at, body,
	       sum(record_count) OVER w - record_count AS records_before,
	       sum(byte_count) OVER w - byte_count AS bytes_before
	FROM (
		SELECT position, total, record_count, byte_count, made_at, body
		FROM plait_store.outbox
		WHERE signal = $1 AND position > $2
		ORDER BY position
		LIMIT $3
	) following
	WINDOW w AS (ORDER BY position)
) o
WHERE records_before < $4 AND bytes_before < $5
ORDER BY position`

	// goneSQL has the end of the outbox if it is further on and nothing is left up to there.
	goneSQL = `
SELECT position, total
FROM plait_store.outbox_end
WHERE signal = $1 AND position > $2 AND NOT EXISTS (SELECT 1 FROM plait_store.outbox WHERE signal = $1 AND position > $2)`

	sameSQL = `
SELECT position, total, record_count, made_at, body
FROM plait_store.outbox
WHERE signal = $1 AND position > $2 AND position <= $3
ORDER BY position`
)

// Next reads the batch after a place. It has no rows when there is nothing more, or nothing but what retention has removed.
func (o *Outbox) Next(ctx context.Context, s Signal, after Place) (Batch, error) {
	b, err := o.read(ctx, after, nextSQL, int16(s), after.Position, batchRows, batchRecords, batchBytes)
	if err != nil || len(b.Rows) > 0 {
		return b, err
	}
	err = o.pool.QueryRow(ctx, goneSQL, int16(s), after.Position).Scan(&b.End.Position, &b.End.Total)
	if errors.Is(err, pgx.ErrNoRows) {
		return b, nil
	}
	if err != nil {
		return Batch{}, fmt.Errorf("read the end of the outbox: %w", pgerror.Read(err))
	}
	b.Expired = b.End.Total - after.Total
	return b, nil
}

// Same reads the batch between a place and the position of its last row, as Next had made it.
func (o *Outbox) Same(ctx context.Context, s Signal, after Place, last int64) (Batch, error) {
	return o.read(ctx, after, sameSQL, int16(s), after.Position, last)
}

func (o *Outbox) read(ctx context.Context, after Place, sql string, args ...any) (Batch, error) {
	b := Batch{Begin: after, End: after}
	rows, err := o.pool.Query(ctx, sql, args...)
	if err != nil {
		return b, fmt.Errorf("read the outbox: %w", pgerror.Read(err))
	}
	var r Row
	_, err = pgx.ForEachRow(rows, []any{&b.End.Position, &b.End.Total, &r.Records, &r.MadeAt, &r.Body}, func() error {
		if len(b.Rows) == 0 {
			b.Expired = b.End.Total - int64(r.Records) - after.Total
		}
		b.Rows = append(b.Rows, r)
		r.Body = nil
		return nil
	})
	if err != nil {
		return Batch{}, fmt.Errorf("read the outbox: %w", pgerror.Read(err))
	}
	return b, nil
}
