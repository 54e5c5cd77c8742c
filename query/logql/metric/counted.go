package metric

import (
	"context"

	"github.com/plaithq/plait/query/logql"
	"github.com/plaithq/plait/query/logql/pipeline"
)

// Counter is a source that knows how many entries there are without reading them.
type Counter interface {
	// Counted hands out entries that stand for several, with how many. They have the labels that are asked for
	// right, and no line; their time is the end of the step that the others lie in: after one end and not after
	// the next, beginning with after. They come in the order of time. It is not ok, and hands out nothing, where
	// entries have to be read.
	Counted(ctx context.Context, of logql.Log, labels []string, after, upTo, step int64, yield func(*pipeline.Entry, int64) error) (ok bool, err error)
}

// counted evaluates a range aggregation by counts, where the source has them.
func (ev *evaluation) counted(w *window, p *pipeline.Pipeline, after, upTo int64) (bool, error) {
	from, ok := ev.from.(Counter)
	r := w.of
	if !ok || r.Unwrap != nil || r.Op != logql.CountOverTime && r.Op != logql.Rate || w.group == nil || w.group.Without {
		return false, nil
	}
	step := int64(r.Interval)
	if ev.steps > 1 {
		step = divisor(step, ev.times.Step)
	}
	return from.Counted(ev.ctx, r.Of, w.group.Labels, after, upTo, step, func(e *pipeline.Entry, n int64) error {
		if !p.Selects(e.Stream) {
			return nil
		}
		result, kept, err := p.Process(e)
		if err != nil || !kept {
			return err
		}
		return w.addSeveral(result, float64(n))
	})
}

// divisor is the greatest that two numbers share.
func divisor(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
