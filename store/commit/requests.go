package commit

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plaithq/plait"
)

// A request that its sender repeats is recognised by its digest, which is inserted in the
// transaction that stores the request: so a digest is there exactly when the request is. An
// insert that meets the same digest in a transaction still open waits for its end.

// enterRequestsSQL returns those digests that were not seen within the last hour. They come
// sorted, so that gateways wait for one another and never in a circle.
const enterRequestsSQL = `
INSERT INTO plait_store.request AS r (digest, seen_at)
SELECT digest, pg_catalog.now() FROM unnest($1::uuid[]) AS g (digest)
ON CONFLICT (digest) DO UPDATE SET seen_at = excluded.seen_at
	WHERE r.seen_at < excluded.seen_at - interval '1 hour'
RETURNING digest`

// enterNewRequestsSQL fails by the primary key where a digest is there, even of more than an hour ago.
const enterNewRequestsSQL = `
INSERT INTO plait_store.request (digest, seen_at)
SELECT digest, pg_catalog.now() FROM unnest($1::uuid[]) AS g (digest)`

// expireRequestsSQL forgets old digests, a bite at a time. What it leaves for the next round
// does no harm.
const expireRequestsSQL = `
DELETE FROM plait_store.request
WHERE digest IN (
	SELECT digest
	FROM plait_store.request
	WHERE seen_at < pg_catalog.now() - interval '65 minutes'
	ORDER BY seen_at
	LIMIT $1)`

// expireBite is how many digests are forgotten in one statement.
const expireBite = 10_000

// queueRequests adds the statement that enters digests; fresh gets those that are new.
func queueRequests(batch *pgx.Batch, digests []plait.Digest, fresh map[plait.Digest]bool) {
	if len(digests) == 0 {
		return
	}
	batch.Queue(enterRequestsSQL, sorted(digests)).Query(func(rows pgx.Rows) error {
		var d [16]byte
		_, err := pgx.ForEachRow(rows, []any{&d}, func() error {
			fresh[d] = true
			return nil
		})
		return err
	})
}

// queueNewRequests adds the statement that enters digests of which none may be there.
func queueNewRequests(batch *pgx.Batch, digests []plait.Digest) {
	if len(digests) > 0 {
		batch.Queue(enterNewRequestsSQL, sorted(digests))
	}
}

func sorted(digests []plait.Digest) [][16]byte {
	parameter := make([][16]byte, len(digests))
	for i, d := range digests {
		parameter[i] = d
	}
	slices.SortFunc(parameter, func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) })
	return parameter
}

// ExpireRequests forgets digests that are too old to be asked for.
func ExpireRequests(ctx context.Context, pool *pgxpool.Pool) error {
	for {
		tag, err := pool.Exec(ctx, expireRequestsSQL, expireBite)
		if err != nil {
			return fmt.Errorf("forget old request digests: %w", err)
		}
		if tag.RowsAffected() < expireBite {
			return nil
		}
	}
}
