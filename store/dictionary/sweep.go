package dictionary

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plaithq/plait/store/partition"
	"github.com/plaithq/plait/store/pg"
)

// Each statement removes a bite of entries that no row can refer to any more.
var sweepSQL = map[string]string{
	"service":         sweepStatement("service"),
	"resource":        sweepStatement("resource"),
	"scope":           sweepStatement("scope"),
	"operation":       sweepStatement("operation"),
	"log_class":       sweepStatement("log_class"),
	"attribute_set":   sweepStatement("attribute_set"),
	"attribute_key":   sweepStatement("attribute_key"),
	"series":          sweepStatement("series"),
	"metric_metadata": sweepStatement("metric_metadata"),
}

func sweepStatement(table string) string {
	return `
DELETE FROM ` + pg.StoreTable(table) + `
WHERE last_used < $1 AND ctid = ANY (ARRAY(
	SELECT ctid FROM ` + pg.StoreTable(table) + ` WHERE last_used < $1 LIMIT $2))`
}

const sweepBite = 10_000

// Sweep removes entries that were last used before a day.
func Sweep(ctx context.Context, pool *pgxpool.Pool, in *Instruments, before partition.Day) error {
	var failures []error
	for table, statement := range sweepSQL {
		for {
			tag, err := pool.Exec(ctx, statement, before.Time(), sweepBite)
			if err != nil {
				failures = append(failures, fmt.Errorf("sweep dictionary %s: %w", table, err))
				break
			}
			in.swept.WithLabelValues(table).Add(float64(tag.RowsAffected()))
			if tag.RowsAffected() < sweepBite {
				break
			}
		}
	}
	return errors.Join(failures...)
}
