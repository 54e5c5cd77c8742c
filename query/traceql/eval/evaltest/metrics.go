package evaltest

import (
	"github.com/plaithq/plait/query/traceql"
)

// Metrics evaluates an instant query over traces whose spans all start in its range, which covers so many seconds: the values of
// series by the values of by(), without those of 0.
func Metrics(q traceql.MetricsQuery, traces []Trace, seconds float64) map[string]float64 {
	durations := map[string][]float64{}
	for _, t := range traces {
		found := map[int]bool{}
		for _, set := range t.Search(q.Pipeline) {
			for _, i := range set.Spans {
				found[i] = true
			}
		}
		for i := range found {
			key := ""
			for _, e := range q.By {
				value := "string nil"
				if values := t.values(e, i, false); len(values) > 0 {
					value = Describe(values[0])
				}
				key += value + ", "
			}
			durations[key] = append(durations[key], float64(t.Spans[i].EndNanos-t.Spans[i].StartNanos)/1e9)
		}
	}
	values := map[string]float64{}
	for key, of := range durations {
		if v := metric(q.Function.Op, of, seconds); v != 0 {
			values[key] = v
		}
	}
	return values
}

func metric(op traceql.FunctionOp, durations []float64, seconds float64) float64 {
	sum, least, most := 0.0, durations[0], durations[0]
	for _, d := range durations {
		sum, least, most = sum+d, min(least, d), max(most, d)
	}
	n := float64(len(durations))
	switch op {
	case traceql.Rate:
		return n / seconds
	case traceql.CountOverTime:
		return n
	case traceql.MinOverTime:
		return least
	case traceql.MaxOverTime:
		return most
	case traceql.AvgOverTime:
		return sum / n
	}
	return sum
}
