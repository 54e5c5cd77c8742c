package tempo

import (
	"context"
	"math"
	"net/url"
	"strconv"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/duration"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/traceql"
	"github.com/plaithq/plait/query/traceql/eval"
)

const (
	usualExemplars, mostExemplars = 100, 1_000
	// tracesAPage is how many traces are listed together.
	tracesAPage = 1_000
	// usualRange is the time of a metrics query that names none.
	usualRange = time.Hour
)

// gathersAtOnce bounds the queries that make series of traces at a time, and gathered what each of them keeps.
const gathersAtOnce = 2

var gathered = eval.Limits{Bytes: 32 << 20}

type seriesAnswer struct {
	Series  []seriesJSON  `json:"series"`
	Metrics searchMetrics `json:"metrics"`
}

type seriesJSON struct {
	Labels    []attributeJSON `json:"labels"`
	Samples   []sampleJSON    `json:"samples"`
	Exemplars []exemplarJSON  `json:"exemplars,omitempty"`
}

type sampleJSON struct {
	Millis string  `json:"timestampMs"`
	Value  float64 `json:"value"`
}

type exemplarJSON struct {
	Labels []attributeJSON `json:"labels"`
	Value  float64         `json:"value"`
	Millis string          `json:"timestampMs"`
}

// instantAnswer has these keys and no others, as that of a search.
type instantAnswer struct {
	Series  []instantJSON `json:"series"`
	Metrics searchMetrics `json:"metrics"`
}

type instantJSON struct {
	Labels []attributeJSON `json:"labels"`
	Value  float64         `json:"value"`
}

// metricsRange answers /api/metrics/query_range.
func (h *handler) metricsRange(ctx context.Context, q url.Values) (any, error) {
	from, to, err := h.metricsTime(q)
	if err != nil {
		return nil, err
	}
	step := stepOf(to - from)
	if text := q.Get("step"); text != "" {
		if step, err = readStep(text); err != nil {
			return nil, err
		}
	}
	window, err := eval.RangeWindow(from, to, step)
	if err != nil {
		return nil, err
	}
	exemplars, err := readNumber(q, "exemplars", usualExemplars, mostExemplars)
	if err != nil {
		return nil, err
	}
	series, said, err := h.gather(ctx, q.Get("q"), window, exemplars)
	if err != nil {
		return nil, err
	}
	answer := seriesAnswer{Series: make([]seriesJSON, 0, len(series)), Metrics: said}
	for i := range series {
		answer.Series = append(answer.Series, seriesOf(&series[i], window))
	}
	return answer, nil
}

// metricsInstant answers /api/metrics/query.
func (h *handler) metricsInstant(ctx context.Context, q url.Values) (any, error) {
	from, to, err := h.metricsTime(q)
	if err != nil {
		return nil, err
	}
	window, err := eval.InstantWindow(from, to)
	if err != nil {
		return nil, err
	}
	series, said, err := h.gather(ctx, q.Get("q"), window, 0)
	if err != nil {
		return nil, err
	}
	answer := instantAnswer{Series: []instantJSON{}, Metrics: said}
	for i := range series {
		if v := series[i].Values[0]; finite(v) {
			answer.Series = append(answer.Series, instantJSON{labelsOf(series[i].Labels), v})
		}
	}
	return answer, nil
}

// metricsTime reads the time of a metrics query in nanoseconds: the last hour where it names none.
func (h *handler) metricsTime(q url.Values) (from, to int64, err error) {
	within, err := readRange(q, h.Now())
	if err != nil {
		return 0, 0, err
	}
	if within.To.IsZero() { // a full second, for which there are counts
		within.To = h.Now().Add(time.Second - 1).Truncate(time.Second)
	}
	if within.From.IsZero() {
		within.From = within.To.Add(-usualRange)
	}
	return within.From.UnixNano(), within.To.UnixNano(), nil
}

// readStep reads a step as Grafana sends it: 30s, or seconds.
func readStep(text string) (nanos int64, err error) {
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds > 0 && seconds < 1e9 {
		return int64(seconds * 1e9), nil
	}
	d, err := duration.Parse(text)
	if err != nil || d <= 0 {
		return 0, plait.Errorf(plait.ErrInvalid, "parameter step: %q is no duration above 0", text)
	}
	return int64(d), nil
}

// stepOf is the step of a range that names none: some 240 of them, of a length that people count in, and of half an
// hour and more of minutes, in which spans are counted.
func stepOf(nanos int64) int64 {
	exact := nanos / 240
	if nanos >= int64(30*time.Minute) {
		exact = max(exact, int64(time.Minute))
	}
	for _, unit := range []time.Duration{time.Hour, 5 * time.Minute, time.Minute, 15 * time.Second, 5 * time.Second, time.Second} {
		if n := exact / int64(unit); n > 0 {
			return n * int64(unit)
		}
	}
	if nanos >= int64(time.Minute) {
		return int64(time.Second)
	}
	const least = int64(50 * time.Millisecond)
	return max(least, exact/least*least)
}

// gather reads the traces that the query may be about and makes series of them. Where the time is up before all
// are read, the answer is of the newest, and says so; it also does where a trace is too large to be read whole.
func (h *handler) gather(ctx context.Context, text string, window eval.Window, exemplars int) ([]eval.Series, searchMetrics, error) {
	said := searchMetrics{InspectedBytes: "0", CompletedJobs: 1, TotalJobs: 1}
	parsed, err := traceql.Parse(text)
	if err != nil {
		return nil, said, err
	}
	if parsed.Metrics == nil {
		return nil, said, plait.Errorf(plait.ErrInvalid, "this query finds traces and makes no series: add a function, as in | rate()")
	}
	if series, ok, err := h.counted(ctx, parsed, window, exemplars); err != nil || ok {
		return series, said, err
	}
	leave, err := waitFor(ctx, h.gathering)
	if err != nil {
		return nil, said, err
	}
	defer leave()
	metrics, err := eval.NewMetrics(parsed, window, exemplars, gathered)
	if err != nil {
		return nil, said, err
	}
	asked, err := tracesOf(parsed, window)
	if err != nil {
		return nil, said, err
	}
	bounded, cancel := context.WithTimeout(ctx, searchTime)
	defer cancel()
	inspected, cut, err := h.addTraces(bounded, metrics, asked)
	if err != nil {
		if !timeIsUp(ctx, bounded, err) {
			return nil, said, err
		}
		cut = true
	}
	if said.InspectedTraces = inspected; cut {
		said.TotalJobs++
	}
	return metrics.Series(), said, nil
}

// tracesOf asks for the traces that a query may be about.
func tracesOf(parsed *traceql.Query, w eval.Window) (query.Traces, error) {
	candidates, err := eval.Candidates(parsed)
	if err != nil {
		return query.Traces{}, err
	}
	after, to := w.Range()
	within := widened(plait.TimeRange{From: time.Unix(0, after), To: time.Unix(0, to).Add(1)})
	return query.Traces{Condition: candidates, Range: within, Page: query.Page{Limit: tracesAPage}}, nil
}

// waitFor waits for a turn, and returns what ends it.
func waitFor(ctx context.Context, turns chan struct{}) (leave func(), err error) {
	select {
	case turns <- struct{}{}:
		return func() { <-turns }, nil
	case <-ctx.Done():
		return nil, plait.Errorf(plait.ErrUnavailable, "wait for other metrics queries: %w", ctx.Err())
	}
}

// addTraces adds the traces that a store finds, and says how many, and whether spans of any were left out.
func (h *handler) addTraces(ctx context.Context, metrics *eval.Metrics, asked query.Traces) (traces int, cut bool, err error) {
	for {
		page, next, err := h.Reader.Traces(ctx, asked)
		if err != nil {
			return traces, cut, err
		}
		for len(page) > 0 {
			n, spans := 1, page[0].SpanCount
			for n < min(len(page), 4*tracesAtOnce) && spans+page[n].SpanCount <= spansAtOnce {
				spans += page[n].SpanCount
				n++
			}
			some, err := eachTrace(ctx, h.Reader, h.Memory, page[:n], metrics.Add)
			cut = cut || some
			if err != nil {
				return traces, cut, err
			}
			traces += n
			page = page[n:]
		}
		if next == "" {
			return traces, cut, nil
		}
		asked.Cursor = next
	}
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func seriesOf(s *eval.Series, w eval.Window) seriesJSON {
	out := seriesJSON{Labels: labelsOf(s.Labels), Samples: make([]sampleJSON, 0, len(s.Values))}
	for i, v := range s.Values {
		if finite(v) {
			out.Samples = append(out.Samples, sampleJSON{millis(w.SampleNanos(i)), v})
		}
	}
	for _, e := range s.Exemplars {
		if finite(e.Value) {
			id := e.TraceID.String()
			out.Exemplars = append(out.Exemplars, exemplarJSON{
				Labels: []attributeJSON{{"trace:id", valueJSON{String: &id}}}, Value: e.Value, Millis: millis(e.Nanos),
			})
		}
	}
	return out
}

func millis(nanos int64) string { return strconv.FormatInt(nanos/1_000_000, 10) }

func labelsOf(labels plait.Attributes) []attributeJSON {
	if out := attributesOf(labels); out != nil {
		return out
	}
	return []attributeJSON{}
}
