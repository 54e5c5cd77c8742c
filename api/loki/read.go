package loki

import (
	"context"
	"errors"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/logql"
	"github.com/plaithq/plait/query/logql/pipeline"
)

// errEnough ends a reading that has all it needs.
var errEnough = errors.New("enough")

// maxPage is how many records are read at once. The store bounds their bytes.
const maxPage = 5_000

// reading is what of the log records a query is about.
type reading struct {
	of        logql.Log
	within    plait.TimeRange
	ascending bool
	page      int // of the first page: about what is needed
}

// entries hands out the entries that the selector fits, in the order of their time, without those that the
// query's filters surely leave out. use returns errEnough to end it. An entry is valid until the next one.
func (h *handler) entries(ctx context.Context, r reading, use func(*pipeline.Entry) error) error {
	node, err := h.Mapping.Narrow(r.of)
	if err != nil {
		return err
	}
	selector, err := pipeline.New(logql.Log{Matchers: r.of.Matchers})
	if err != nil {
		return err
	}
	maker := h.Mapping.NewMaker()
	q := query.Logs{Condition: node, Range: r.within, Ascending: r.ascending, Page: query.Page{Limit: min(r.page, maxPage)}}
	for {
		next, err := h.page(ctx, q, func(r *plait.LogRecord) error {
			if e := maker.Entry(r); selector.Selects(e.Stream) {
				return use(e)
			}
			return nil
		})
		if err != nil || next == "" {
			return err
		}
		q.Cursor, q.Limit = next, min(4*q.Limit, maxPage)
	}
}

// page hands out a page of records, and returns the cursor of the next one.
func (h *handler) page(ctx context.Context, q query.Logs, use func(*plait.LogRecord) error) (next string, err error) {
	ctx, release := h.Memory.Begin(ctx)
	defer release()
	records, next, err := h.Logs.Logs(ctx, q)
	if err != nil {
		return "", err
	}
	for i := range records {
		if err := use(&records[i]); errors.Is(err, errEnough) {
			return "", nil
		} else if err != nil {
			return "", err
		}
	}
	return next, nil
}

// results hands out what a query's pipeline leaves of entries.
func (h *handler) results(ctx context.Context, r reading, use func(*pipeline.Result) error) error {
	p, err := pipeline.New(r.of)
	if err != nil {
		return err
	}
	return h.entries(ctx, r, func(e *pipeline.Entry) error {
		result, kept, err := p.Process(e)
		if err != nil || !kept {
			return err
		}
		return use(result)
	})
}
