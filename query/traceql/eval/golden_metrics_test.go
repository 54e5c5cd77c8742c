package eval_test

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"testing"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/traceql/eval"
)

var (
	zeroWhereMissing = regexp.MustCompile(`\|\s*(rate|count_over_time|histogram_over_time|compare)\(`)
	dropsSamples     = regexp.MustCompile(`topk|bottomk|\)\s*[<>=!]+\s*[\d.]+\s*$`)
)

func TestMetricsAreThoseOfTempo(t *testing.T) {
	t.Parallel()
	questions, traces, _ := golden(t)
	held := 0
	for _, q := range questions {
		if q.Kind != "range" && q.Kind != "instant" {
			continue
		}
		start, _ := q.nanos("start")
		end, _ := q.nanos("end")
		window, err := eval.InstantWindow(start, end)
		if step, ok := q.Params["step"].(string); ok {
			seconds, parseErr := strconv.Atoi(step[:len(step)-1])
			if parseErr != nil {
				t.Fatal(parseErr)
			}
			window, err = eval.RangeWindow(start, end, int64(seconds)*second)
		}
		if err != nil {
			t.Fatalf("%s: %v", q.Name, err)
		}
		metrics, err := eval.NewMetrics(q.query(t), window, 100, eval.Limits{})
		if err != nil {
			t.Errorf("%s: %v", q.Name, err)
			continue
		}
		for i := range traces {
			if err := metrics.Add(&traces[i]); err != nil {
				t.Fatal(err)
			}
		}
		got := q.samples(metrics.Series(), window)
		why := q.differentSeries(q.Answer, got)
		for _, other := range []goldenAnswer{q.Right, q.Also} {
			if why != "" && other.Series != nil && q.differentSeries(other, got) == "" {
				why = ""
			}
		}
		if why != "" {
			t.Errorf("%s: %s: %s", q.Name, q.Params["q"], why)
		} else {
			held++
		}
	}
	t.Logf("%d hold", held)
}

// samples are the series by their labels and times, as the answers have them.
func (q *goldenQuestion) samples(series []eval.Series, w eval.Window) map[string]map[string]float64 {
	all := map[string]map[string]float64{}
	for _, s := range series {
		labels := map[string]any{}
		for _, l := range s.Labels {
			switch l.Value.Kind() {
			case plait.KindInt:
				labels[l.Key] = l.Value.Int()
			case plait.KindDouble:
				labels[l.Key] = l.Value.Double()
			case plait.KindBool:
				labels[l.Key] = l.Value.Bool()
			default:
				labels[l.Key] = l.Value.Text()
			}
		}
		samples := map[string]float64{}
		for i, v := range s.Values {
			at := ""
			if q.Kind == "range" {
				at = strconv.FormatInt((w.SampleNanos(i)-goldenBase*second)/second, 10)
			}
			if !math.IsNaN(v) {
				samples[at] = v
			}
		}
		all[canonicalLabels(labels)] = samples
	}
	return all
}

func canonicalLabels(labels map[string]any) string {
	text, err := json.Marshal(labels)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// differentSeries says what is not as expected. Values of quantiles come from buckets in Tempo.
func (q *goldenQuestion) differentSeries(want goldenAnswer, got map[string]map[string]float64) string {
	text := q.Params["q"].(string)
	counts := zeroWhereMissing.MatchString(text) && !dropsSamples.MatchString(text)
	for key, wanted := range want.Series {
		var labels map[string]any
		if json.Unmarshal([]byte(key), &labels) != nil {
			return "no labels: " + key
		}
		samples, ok := got[canonicalLabels(labels)]
		if !ok {
			return fmt.Sprintf("%s is missing among %d series", key, len(got))
		}
		for at, w := range wanted {
			g, ok := samples[at]
			bounds := q.Bounds[key][at]
			near := math.Abs(g-w) <= 1e-6*math.Abs(w)+1e-12 || q.Tolerance == "bucket" && (g >= w/2 && g <= 2*w || bounds[0] <= g && g <= bounds[1])
			if !near || !ok && w != 0 || !ok && !counts && q.Tolerance != "bucket" {
				return fmt.Sprintf("%s at %s is %v (%t), want %v", key, at, g, ok, w)
			}
		}
		for at, g := range samples {
			if _, ok := wanted[at]; !ok && !(counts && g == 0) {
				return fmt.Sprintf("%s at %s is %v, want no sample", key, at, g)
			}
		}
	}
	if !q.Subset && len(want.Series) != len(got) {
		return fmt.Sprintf("%d series, want %d", len(got), len(want.Series))
	}
	return ""
}
