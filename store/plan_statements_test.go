package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/plaithq/plait/store/pg"
)

// lookupStatement is a statement of the look-up connections.
type lookupStatement struct {
	Name, Room, SQL, Types string
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
	searchTypes       = "timestamptz, timestamptz, int2, int8[], int8[], int8[], " + positionTypes + ", int8, uuid[]"
	searchArguments   = "'1700-01-01', '2200-01-01', NULL, NULL, NULL, NULL, " + positionArguments + ", 100, ARRAY['$id'::uuid]"
)

// lookupStatements are the statements that find rows by trace id.
var lookupStatements = []lookupStatement{
	{"trace", "spans", "traceSpansSQL", "uuid[], int8", "ARRAY['$id'::uuid], 100", []string{"span"}, "_trace_id_"},
	{"outline of a trace", "spans", "traceOutlineSQL", "uuid[], int8", "ARRAY['$id'::uuid], 100", []string{"span"}, "_trace_id_"},
	{"chosen spans", "spans", "traceChosenSQL", "uuid[], int8[], int8", "ARRAY['$id'::uuid], ARRAY[1], 100", []string{"span"}, "_trace_id_"},
	{"spans of traces that the index names", "spans", "spansOfTracesSQL", "timestamptz, timestamptz, uuid[], bool, bool",
		"'1700-01-01', '2200-01-01', ARRAY['$id'::uuid], true, true", []string{"span"}, "_trace_id_"},
	{"parents", "spans", "parentSpansSQL", "uuid[], int8[]", "ARRAY['$id'::uuid], ARRAY[1]", []string{"span"}, "_trace_id_"},
	{"fragments", "spans", "traceFragmentsSQL", "uuid[]", "ARRAY['$id'::uuid]", []string{"trace_fragment"}, "_trace_id_"},
	{"low ids", "traceid", "fullTraceIDsSQL", "int8[]", "ARRAY[1]", []string{"trace_fragment"}, "_low_id_"},
	{"root names", "spans", "rootNamesSQL", "uuid[]", "ARRAY['$id'::uuid]", []string{"span"}, "_trace_id_"},
	{"logs", "logs", "traceLogsSQL", "uuid[], int8", "ARRAY['$id'::uuid], 100", []string{"log"}, "_case_"},
	{"worst logs", "logs", "worstLogsSQL", "uuid[], int2", "ARRAY['$id'::uuid], 13", []string{"log"}, "_case_"},
	{"log counts", "logs", "logCountsSQL", "uuid[]", "ARRAY['$id'::uuid]", []string{"log"}, "_case_"},
	{"log search", "logs", "searchTraceLogsNewestFirstSQL", searchTypes, searchArguments, []string{"log"}, "_case_"},
	{"attributes of traces", "spans", "heldValuesSQL", "timestamptz, timestamptz, uuid[]", "'1700-01-01', '2200-01-01', ARRAY['$id'::uuid]", []string{"span"}, "_trace_id_"},
	{"templates of traces", "logs", "heldTemplatesSQL", "timestamptz, timestamptz, uuid[]", "'1700-01-01', '2200-01-01', ARRAY['$id'::uuid]", []string{"log"}, "_case_"},
	{"units of log records", "logs", "tracedUnitsSQL", "timestamptz, timestamptz, uuid[], int8[], int8[]", "'1700-01-01', '2200-01-01', ARRAY['$id'::uuid], ARRAY[1], NULL", []string{"log"}, "_case_"},
	{"units without a trace", "logs", "untracedUnitsSQL", "timestamptz, timestamptz, uuid[], int8[], int8[]",
		"'1700-01-01', '2200-01-01', ARRAY['ffffffff-ffff-ffff-0000-000000000001'::uuid], NULL, ARRAY[1]", []string{"log"}, "_trace_id_"},
	{"log search, ascending", "logs", "searchTraceLogsOldestFirstSQL", searchTypes, searchArguments, []string{"log"}, "_case_"},
}

// windowStatement is a statement about a window of time.
type windowStatement struct {
	Name, Settings, SQL string
	Arguments           []any
	Table               string
	Before              time.Duration // how long before the window it reads
	Joins               bool          // many rows with a few
}

// windowStatements are those by which unusual spans are found, and the service map's.
func windowStatements(t *testing.T, from, to time.Time) []windowStatement {
	t.Helper()
	sql := func(name string) string { return statement(t, "spans", name) }
	// A plan that any span fits: operations, statuses, resources, durations.
	anything := []any{pg.Planned, from, to, nil, nil, nil, nil, nil}
	window := func(more ...any) []any {
		return append(append(slices.Clone(anything), 100, from.Add(-time.Minute), true, [][16]byte(nil), []int64{}), more...)
	}
	ids, names, usual := make([]int64, 300), make([]string, 300), make([]int64, 300)
	for i := range ids {
		ids[i] = int64(i)
	}
	return []windowStatement{
		{"service map", "SELECT", statement(t, "servicemap", "spansInRangeSQL"), []any{pg.Planned, from, to, 1}, "span", 0, false},
		{"spans by duration", "SELECT", sql("heatmapSpansSQL"), append(slices.Clone(anything), 5_000_000, []int64{1, 1_000_000}), "span", 0, false},
		{"number of spans", "SELECT", sql("countSpansSQL"), slices.Clone(anything), "span", 0, false},
		{"requests", "SELECT", sql("requestsSQL"), append(slices.Clone(anything), 3), "span", 0, false},
		{"rank spans", sql("hashedSQL"), sql("unusualSpansSQL"), window(ids, names, usual, [][16]byte{}, false), "span", time.Minute, true},
		{"what is usual in the window", "SELECT", sql("windowDurationsSQL"), window(ids), "span", time.Minute, false},
		{"what is usual before the window", "SELECT", sql("earlierDurationsSQL"),
			[]any{pg.Planned, from.Add(-10 * time.Minute), from, []int64(nil), []int64{}, 100}, "span", 10 * time.Minute, false},
		{"since when to read", "SELECT", sql("usualSinceSQL"),
			[]any{pg.Planned, from.Add(-24 * time.Hour), from, 50_000, 20_000}, "trace_fragment", 24 * time.Hour, false},
	}
}
