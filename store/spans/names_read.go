package spans

import (
	"context"
	"fmt"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
)

const (
	// It jumps from one service to the next in the index of operations on service and name: some ten microseconds a
	// service, however many operations it has.
	spanServicesSQL = `
WITH RECURSIVE names AS (
    (SELECT service FROM plait_store.operation ORDER BY service LIMIT 1)
    UNION ALL
    SELECT (SELECT service FROM plait_store.operation o WHERE o.service > n.service ORDER BY service LIMIT 1)
    FROM names n
    WHERE n.service IS NOT NULL
)
SELECT service
FROM names
WHERE service IS NOT NULL
LIMIT $1`

	// A name has an entry for each kind and scope, which are few: all of a service are read, in the order of that index.
	operationsSQL = `
SELECT DISTINCT name, kind::int8
FROM plait_store.operation
WHERE service = $1
  AND name > ''
ORDER BY name, kind::int8
LIMIT $2`
)

// SpanServices returns the names of services that sent spans, in order, at most limit of them. It reads a dictionary
// and no telemetry.
func (s *Reader) SpanServices(ctx context.Context, limit int) ([]string, error) {
	var names []string
	if err := pg.QueryRows(ctx, s.lookup, func(v [][]byte) { names = append(names, string(v[0])) }, spanServicesSQL, limit); err != nil {
		return nil, fmt.Errorf("list services that sent spans: %w", err)
	}
	return names, nil
}

// Operations returns the names of a service's spans with their kinds, in order, at most limit of them. It reads a
// dictionary and no telemetry: the names of a service that brings too many of them are not all in it.
func (s *Reader) Operations(ctx context.Context, service string, limit int) ([]plait.Operation, error) {
	var operations []plait.Operation
	err := pg.QueryRows(ctx, s.lookup, func(v [][]byte) {
		operations = append(operations, plait.Operation{Name: string(v[0]), Kind: plait.SpanKind(rowcodec.Int8(v[1]))})
	}, operationsSQL, condition.Stored(service), limit)
	if err != nil {
		return nil, fmt.Errorf("list operations of service %q: %w", service, err)
	}
	return operations, nil
}
