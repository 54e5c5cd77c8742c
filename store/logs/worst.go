package logs

import (
	"cmp"
	"context"
	"fmt"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/search"
)

const worstLogsSQL = `
SELECT DISTINCT ON (trace_id) ` + readLogColumns + `
FROM plait_store.log
WHERE ` + traceSQL + ` = ANY ($1) AND trace_id = ANY ($1) AND severity >= $2
ORDER BY trace_id, severity DESC, time, sub_ns, span_id, content`

// WorstLogs returns of each trace the first of its most severe records, of those that are at least so severe. A trace without one is not
// in it, nor are those for which an answer has no room.
func (s *Reader) WorstLogs(ctx context.Context, ids []plait.TraceID, least plait.SeverityNumber) (map[plait.TraceID]plait.LogRecord, error) {
	worst := make(map[plait.TraceID]plait.LogRecord)
	if len(ids) == 0 {
		return worst, nil
	}
	spelled, err := s.ids.Spell(ctx, ids...)
	if err != nil {
		return nil, fmt.Errorf("read the worst logs of traces: %w", err)
	}
	var rows []storedLog
	memory := search.NewMemory(ctx)
	err = pg.QueryUntil(ctx, s.lookup, func(v [][]byte) bool {
		rows = append(rows, scanLog(v))
		return memory.Take(rows[len(rows)-1].size())
	}, worstLogsSQL, spelled.Stored(), int16(least))
	if err != nil {
		return nil, fmt.Errorf("read the worst logs of traces: %w", err)
	}
	records, err := s.decodeLogs(ctx, rows)
	if err != nil {
		return nil, fmt.Errorf("read the worst logs of traces: %w", err)
	}
	for i := range records {
		for _, asked := range spelled[rows[i].traceID] { // a whole id and its half
			before, ok := worst[asked]
			if !ok || cmp.Or(cmp.Compare(before.Severity, records[i].Severity), cmp.Compare(records[i].TimeNanos, before.TimeNanos)) < 0 {
				worst[asked] = records[i]
			}
		}
	}
	return worst, nil
}
