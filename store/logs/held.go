package logs

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/store/dictionary"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/search"
)

// heldReach is how long before and after the requests their traces may have log records.
const heldReach = time.Hour

// Joined, and not compared with a list, because Postgres goes through the list for each record that the index finds.
const heldTemplatesSQL = `
SELECT trace_id, resource, class, severity
FROM unnest($3::uuid[]) AS asked(id)
JOIN plait_store.log ON ` + traceSQL + ` = asked.id AND trace_id = asked.id
WHERE ` + search.ShelvesSQL

// heldKey is what records of one template have in common.
type heldKey struct {
	resource, class int64
	severity        plait.SeverityNumber
}

// HeldTemplates returns which templates of log records traces have. The range is when their requests start. Records without a template
// are left out. It is bounded in bytes, and says so if that cut it short.
func (s *Reader) HeldTemplates(ctx context.Context, r plait.TimeRange, ids []plait.TraceID) (held []query.HeldTemplate, cutShort bool, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("read the templates of %d traces: %w", len(ids), err)
		}
	}()
	spelled, err := s.ids.Spell(ctx, ids...)
	if err != nil {
		return nil, false, err
	}
	place := make(map[plait.TraceID]int, len(ids))
	for i, id := range ids {
		place[id] = i
	}
	found, memory := map[heldKey][]int{}, search.NewMemory(ctx)
	err = pg.QueryUntil(ctx, s.lookup, func(v [][]byte) bool {
		key := heldKey{rowcodec.Int8(v[1]), rowcodec.Int8(v[2]), firstOfRange(plait.SeverityNumber(rowcodec.Int2(v[3])))}
		for _, asked := range spelled[plait.TraceID(v[0])] {
			of, ok := found[key]
			at := place[asked]
			if n := len(of); n == 0 || of[n-1] != at {
				found[key] = append(of, at)
				memory.Take(8)
			}
			if !ok {
				memory.Take(groupBytes)
			}
		}
		return memory.Left()
	}, heldTemplatesSQL, r.From.Add(-heldReach), r.To.Add(heldReach), spelled.Stored())
	if err != nil || len(found) == 0 {
		return nil, false, err
	}
	held, err = s.templatesOf(ctx, found)
	return held, !memory.Left(), err
}

// templatesOf names the templates of records, those of one service, severity and template as one.
func (s *Reader) templatesOf(ctx context.Context, found map[heldKey][]int) ([]query.HeldTemplate, error) {
	entries, err := s.entries.Catalog.Fresh(ctx)
	if err != nil {
		return nil, err
	}
	keys := make([]heldKey, 0, len(found))
	for key := range found {
		keys = append(keys, key)
	}
	resources, err := s.entries.Resources.Entries(ctx, dictionary.Column(keys, func(k *heldKey) int64 { return k.resource }))
	if err != nil {
		return nil, err
	}
	type named struct {
		service, template string
		severity          plait.SeverityNumber
	}
	byName := map[named][]int{}
	for _, key := range keys {
		class, ok := entries.LogClasses.Get(key.class)
		if !ok || class.Template == "" {
			continue
		}
		name := named{resources[key.resource].Service(), class.Template, key.severity}
		byName[name] = append(byName[name], found[key]...)
	}
	held := make([]query.HeldTemplate, 0, len(byName))
	for name, traces := range byName {
		slices.Sort(traces)
		held = append(held, query.HeldTemplate{Template: name.template, Severity: name.severity, Service: name.service, Traces: slices.Compact(traces)})
	}
	return held, nil
}
