package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/store/citus"
	"github.com/plaithq/plait/store/pg"
)

// Distribute spreads the tables of a migrated database over the nodes of its Citus cluster. Gateways that
// migrate at the same time wait.
func Distribute(ctx context.Context, databaseURL string, o citus.Options) error {
	if err := o.Validate(); err != nil {
		return err
	}
	return withMigrationLock(ctx, databaseURL, func(conn *pgx.Conn) error {
		return citus.Distribute(ctx, conn, o)
	})
}

// ClusterStatus says what the Citus cluster of a database looks like. It changes nothing.
func ClusterStatus(ctx context.Context, databaseURL string) (status citus.Status, err error) {
	pool, err := pg.OpenPool(ctx, databaseURL, "status", 1)
	if err != nil {
		return citus.Status{}, err
	}
	defer pool.Close()
	return citus.ReadStatus(ctx, pool)
}
