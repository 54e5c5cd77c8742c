package metric

import (
	"math"
	"slices"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/logql"
	"github.com/plaithq/plait/query/logql/pipeline"
)

// window is a range aggregation on its way: entries go into intervals between edges, which are where some
// range begins or ends. Each step joins the intervals that its range covers.
type window struct {
	ev     *evaluation
	of     *logql.Range
	group  *logql.Grouping
	series map[string]*windowed
	order  []*windowed
	next   int // step
	values int // that are kept for quantiles
	kept   int // intervals of all series
}

type windowed struct {
	out       *Series
	intervals []interval
}

type interval struct {
	upTo int64
	total
}

func (ev *evaluation) rangeOf(r logql.Range) (Result, error) { return ev.grouped(r, r.Grouping) }

// grouped evaluates a range aggregation whose entries are put together by a grouping; nil is by all labels.
func (ev *evaluation) grouped(r logql.Range, group *logql.Grouping) (Result, error) {
	p, err := pipeline.NewMetric(r.Of, r.Unwrap)
	if err != nil {
		return Result{}, err
	}
	w := &window{ev: ev, of: &r, group: group, series: map[string]*windowed{}}
	after, upTo := ev.times.Start-int64(r.Offset)-int64(r.Interval), ev.at(ev.steps-1)-int64(r.Offset)
	if done, err := ev.counted(w, p, after, upTo); done || err != nil {
		w.upTo(math.MaxInt64)
		return w.result(), err
	}
	err = ev.from.Entries(ev.ctx, r.Of, after, upTo, func(e *pipeline.Entry) error {
		if !p.Selects(e.Stream) {
			return nil
		}
		result, ok, err := p.Process(e)
		if err != nil || !ok {
			return err
		}
		return w.add(result)
	})
	if err != nil {
		return Result{}, err
	}
	w.upTo(math.MaxInt64)
	return w.result(), nil
}

func (w *window) add(r *pipeline.Result) error { return w.addSeveral(r, 1) }

// addSeveral adds an entry that stands for so many, which only counts may do.
func (w *window) addSeveral(r *pipeline.Result, n float64) error {
	if failed := r.Error(); failed != "" {
		return plait.Errorf(plait.ErrInvalid, `pipeline error: %s in a line: leave such lines out by | __error__="", or take the mark off by | drop __error__`, failed)
	}
	w.upTo(r.TimeNanos)
	key, labels := w.labels(r)
	s := w.series[key]
	if s == nil {
		if err := w.ev.room(len(w.order) + 1); err != nil {
			return err
		}
		s = &windowed{out: w.ev.series(labels())}
		w.series[key] = s
		w.order = append(w.order, s)
	}
	upTo := w.edge(r.TimeNanos)
	if n := len(s.intervals); n == 0 || s.intervals[n-1].upTo != upTo {
		if w.kept++; w.kept > maxIntervals {
			return plait.Errorf(plait.ErrTooLarge, "the range %s is too long for its step and its number of series: make the step longer", w.of.Interval)
		}
		s.intervals = append(s.intervals, interval{upTo: upTo})
	}
	value, keep := r.Value, w.of.Op == logql.QuantileOverTime
	if w.of.Unwrap == nil {
		value = float64(len(r.Line))
	}
	if keep {
		if w.values++; w.values > maxValues {
			return plait.Errorf(plait.ErrTooLarge, "quantile_over_time has more than %d values in its range", maxValues)
		}
	}
	last := &s.intervals[len(s.intervals)-1]
	last.add(r.TimeNanos, value, keep)
	last.count += n - 1
	return nil
}

// edge is the first edge that is not before a time.
func (w *window) edge(at int64) int64 {
	step := max(w.ev.times.Step, 1)
	if w.ev.steps == 1 {
		step = int64(w.of.Interval)
	}
	end := w.ev.times.Start - int64(w.of.Offset)
	up := func(from int64) int64 {
		d := at - from
		n := d / step
		if d > 0 && d%step != 0 {
			n++
		}
		return from + n*step
	}
	return min(up(end), up(end-int64(w.of.Interval)))
}

// upTo computes the steps whose range ends before a time: no entry comes for them any more.
func (w *window) upTo(at int64) {
	for ; w.next < w.ev.steps; w.next++ {
		end := w.ev.at(w.next) - int64(w.of.Offset)
		if end >= at {
			return
		}
		for _, s := range w.order {
			w.step(s, end)
		}
	}
}

func (w *window) step(s *windowed, end int64) {
	gone := 0
	for gone < len(s.intervals) && s.intervals[gone].upTo <= end-int64(w.of.Interval) {
		w.values -= len(s.intervals[gone].values)
		gone++
	}
	w.kept -= gone
	s.intervals = slices.Delete(s.intervals, 0, gone)
	var all total
	for i := range s.intervals {
		if s.intervals[i].upTo <= end {
			all.join(&s.intervals[i].total)
		}
	}
	if all.count > 0 {
		s.out.Values[w.next], s.out.Has[w.next] = all.value(w.of, end), true
	}
}

func (w *window) result() Result {
	if w.of.Op == logql.AbsentOverTime {
		return Result{Series: w.absent()}
	}
	var all []Series
	for _, s := range w.order {
		if slices.Contains(s.out.Has, true) {
			all = append(all, *s.out)
		}
	}
	return Result{Series: all}
}

// absent is one series with the labels that the selector asks for by equality, where no other has a value.
func (w *window) absent() []Series {
	var labels plait.Labels
	for _, m := range w.of.Of.Matchers {
		if m.Op == plait.MatchEqual && m.Value != "" {
			labels = append(labels, plait.Label{Name: m.Name, Value: m.Value})
		}
	}
	out := w.ev.series(sorted(labels))
	for i := range out.Has {
		out.Has[i] = !slices.ContainsFunc(w.order, func(s *windowed) bool { return s.out.Has[i] })
		if out.Has[i] {
			out.Values[i] = 1
		}
	}
	if !slices.Contains(out.Has, true) {
		return nil
	}
	return []Series{*out}
}

// labels are those of an entry's series, and a key that is theirs alone.
func (w *window) labels(r *pipeline.Result) (string, func() plait.Labels) {
	var labels plait.Labels
	for _, list := range [][]plait.Label{r.Stream, r.Metadata, r.Parsed} {
		for _, l := range list {
			if l.Value != "" && grouped(w.group, l.Name) && l.Name != pipeline.DetailsLabel {
				labels = append(labels, l)
			}
		}
	}
	labels = sorted(labels)
	return keyOf(labels), func() plait.Labels { return labels }
}

// grouped says whether a label stays in a grouping.
func grouped(g *logql.Grouping, name string) bool {
	return g == nil || slices.Contains(g.Labels, name) != g.Without
}

func sorted(l plait.Labels) plait.Labels {
	slices.SortFunc(l, func(a, b plait.Label) int { return strings.Compare(a.Name, b.Name) })
	return l
}

func keyOf(l plait.Labels) string {
	var b strings.Builder
	for _, one := range l {
		b.WriteString(one.Name)
		b.WriteByte(0xff)
		b.WriteString(one.Value)
		b.WriteByte(0xff)
	}
	return b.String()
}

// quantile interpolates between the values on its two sides.
func quantile(q float64, values []float64) float64 {
	switch {
	case q < 0:
		return math.Inf(-1)
	case q > 1:
		return math.Inf(1)
	}
	slices.Sort(values)
	rank := q * float64(len(values)-1)
	low := int(rank)
	high := min(low+1, len(values)-1)
	weight := rank - float64(low)
	return values[low]*(1-weight) + values[high]*weight
}
