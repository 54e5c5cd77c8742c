package loki

import (
	"context"
	"errors"
	"fmt"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/logql"
	"github.com/plaithq/plait/query/logql/entry"
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
	err = h.records(ctx, q, func(r *plait.LogRecord) error {
		if e := maker.Entry(r); selector.Selects(e.Stream) {
			return use(e)
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// records hands out all records that a question is about, in order. Where its condition is fast in parts only,
// they are searched for by themselves and merged.
func (h *handler) records(ctx context.Context, q query.Logs, use func(*plait.LogRecord) error) error {
	var parts []*part
	for _, n := range entry.Parts(q.Condition) {
		p := &part{handler: h, q: q}
		p.q.Condition = n
		defer p.drop()
		parts = append(parts, p)
	}
	for {
		var first *part
		for _, p := range parts {
			if err := p.fill(ctx); err != nil {
				return err
			}
			if len(p.left) > 0 && (first == nil || p.before(first)) {
				first = p
			}
		}
		if first == nil {
			return nil
		}
		if err := ctx.Err(); err != nil { // what is done with a record may take long
			return fmt.Errorf("read log records: %w", err)
		}
		if err := use(&first.left[0]); err != nil {
			return err
		}
		first.left = first.left[1:]
	}
}

// part is a search on its way: a page of it at a time.
type part struct {
	*handler
	q       query.Logs
	left    []plait.LogRecord
	ended   bool
	release func() // the page's memory
}

// fill reads the next page with something in it when there is nothing left of this one.
func (p *part) fill(ctx context.Context) error {
	for len(p.left) == 0 && !p.ended {
		p.drop()
		ctx, release := p.Memory.Begin(ctx)
		p.release = release
		records, next, err := p.Logs.Logs(ctx, p.q)
		if err != nil {
			return err
		}
		p.left, p.ended = records, next == ""
		p.q.Cursor, p.q.Limit = next, min(4*p.q.Limit, maxPage)
	}
	return nil
}

func (p *part) drop() {
	if p.release != nil {
		p.release()
	}
	p.release, p.left = nil, nil
}

func (p *part) before(o *part) bool {
	if p.q.Ascending {
		return p.left[0].TimeNanos < o.left[0].TimeNanos
	}
	return p.left[0].TimeNanos > o.left[0].TimeNanos
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
