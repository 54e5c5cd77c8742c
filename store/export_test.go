package store

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plaithq/plait/spanmetrics"
)

// LookupStatement is a statement of the look-up connections, for tests of plans.
type LookupStatement struct {
	Name, SQL, Types string
	// Arguments may name $id, the hex text of a trace id.
	Arguments string
	// Tables are those whose partitions it reads, Index what the names of the indexes on them
	// contain.
	Tables []string
	Index  string
}

const (
	positionTypes     = "timestamptz, int2, uuid, int8, int8"
	positionArguments = "'2026-01-01', 999, 'ffffffff-ffff-ffff-ffff-ffffffffffff', 1, 1"
	searchTypes       = "timestamptz, timestamptz, int2, int8[], text, int8, " + positionTypes + ", int8, text[], int8[], int8[], text[], text[], text, text[]"
	searchArguments   = "'1700-01-01', '2200-01-01', NULL, NULL, NULL, NULL, " + positionArguments + ", 100, NULL, NULL, NULL, NULL, NULL, '', ARRAY['$id']"
)

// LookupStatements are the statements that find rows by trace id.
var LookupStatements = []LookupStatement{
	{"trace", traceSpansSQL, "text[], int8", "ARRAY['$id'], 100", []string{"span", "span_outside"}, "_encode_"},
	{"outline of a trace", traceOutlineSQL, "text[], int8", "ARRAY['$id'], 100", []string{"span", "span_outside"}, "_encode_"},
	{"chosen spans", traceChosenSQL, "text[], int8[], int8", "ARRAY['$id'], ARRAY[1], 100", []string{"span", "span_outside"}, "_encode_"},
	{"fragments", traceFragmentsSQL, "text[]", "ARRAY['$id']", []string{"trace_fragment", "trace_fragment_outside"}, "_encode_"},
	{"low ids", fullTraceIDsSQL, "int8[]", "ARRAY[1]", []string{"trace_fragment", "trace_fragment_outside"}, "_low_id_"},
	{"root names", rootNamesSQL, "text[]", "ARRAY['$id']", []string{"span", "span_outside"}, "_encode_"},
	{"logs", traceLogsSQL, "text[], int8", "ARRAY['$id'], 100", []string{"log", "log_outside"}, "_case_"},
	{"log counts", logCountsSQL, "text[]", "ARRAY['$id']", []string{"log", "log_outside"}, "_case_"},
	{"log search", searchTraceLogsNewestFirstSQL, searchTypes, searchArguments, []string{"log", "log_outside"}, "_case_"},
	{"log search, ascending", searchTraceLogsOldestFirstSQL, searchTypes, searchArguments, []string{"log", "log_outside"}, "_case_"},
}

// ExplainLookup plans a statement as the look-up connections do and returns the plan as JSON.
func (s *Store) ExplainLookup(ctx context.Context, prepare, explain string) (plan string, err error) {
	err = s.lookup.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		if _, err := conn.Exec(ctx, prepare); err != nil {
			return err
		}
		return conn.QueryRow(ctx, explain, pgx.QueryExecModeSimpleProtocol).Scan(&plan)
	})
	return plan, err
}

// WindowStatement is a statement about a window of time, for tests of plans.
type WindowStatement struct {
	Name, Settings, SQL string
	Arguments           []any
	Table               string
	Before              time.Duration // how long before the window it reads
	Joins               bool          // many rows with a few
}

// WindowStatements are those by which unusual spans are found, and the service map's.
func WindowStatements(from, to time.Time) []WindowStatement {
	var all spanFilter
	window := func(more ...any) []any {
		args := append(all.arguments(from.UnixMicro(), to.UnixMicro()), 100, from.Add(-reachBack), true, []int64{})
		return append(args, more...)
	}
	ids, names, usual := make([]int64, 300), make([]string, 300), make([]int64, 300)
	for i := range ids {
		ids[i] = int64(i)
	}
	keys := slices.Concat(spanmetrics.PeerKeys, spanmetrics.PortKeys)
	return []WindowStatement{
		{"service map", manyRows, mapSpansInRangeSQL,
			[]any{planned, keys, keyPatterns(spanmetrics.PeerKeys), spanmetrics.PortKeys, spanmetrics.MaxLinks, from, to, 1}, "span", 0, true},
		{"spans of a service map", "SELECT", spansInRangeSQL, []any{planned, from, to}, "trace_fragment", 0, false},
		{"rank spans", hashed, unusualSpansSQL, window(ids, names, usual, [][16]byte{}, false), "span", time.Minute, true},
		{"what is usual in the window", "SELECT", windowDurationsSQL, window(ids), "span", time.Minute, false},
		{"what is usual before the window", "SELECT", earlierDurationsSQL,
			[]any{planned, from.Add(-10 * time.Minute), from, []int64(nil), []int64{}, 100}, "span", 10 * time.Minute, false},
		{"since when to read", "SELECT", usualSinceSQL,
			[]any{planned, from.Add(-usualReach), from, usualRead, usualFragments}, "trace_fragment", usualReach, false},
	}
}

// ExplainPlanned plans a statement for its arguments after another that sets how, and returns the plan as JSON.
func (s *Store) ExplainPlanned(ctx context.Context, settings, sql string, args ...any) (plan string, err error) {
	err = readPlanned(ctx, s.readPool, settings, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, "EXPLAIN (FORMAT JSON) "+sql, args...).Scan(&plan)
	})
	return plan, err
}
