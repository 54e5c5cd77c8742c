package correlate

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
)

// An empty answer looks the same whether nothing happened or a name was misspelt. So it says what
// there is no such thing of, and what is called alike.

// namesCompared bounds the names that a hint is looked for among.
const namesCompared = 5000

// hint says why a question found nothing.
func (p *Pivots) hint(ctx context.Context, q MetricQuestion) (string, error) {
	var hints []string
	for _, matchers := range q.Selectors {
		name := metricName(matchers)
		if name != "" && !derivedFromSpans(name) {
			metrics, err := p.metrics.MetricNames(ctx, namesCompared)
			if err != nil {
				return "", err
			}
			hints = append(hints, misspelt("series named", name, append(metrics, spanmetrics.Latency, spanmetrics.CallsTotal)))
		} else if name != "" && !slices.ContainsFunc(derivedNames(), func(one string) bool { return one == name }) {
			hints = append(hints, misspelt("metric derived from spans named", name, derivedNames()))
		}
		services, err := p.traces.ServiceNames(ctx, namesCompared)
		if err != nil {
			return "", err
		}
		for _, m := range matchers {
			if !slices.Contains([]string{"service", "service_name", "job", "exported_job", "client", "server"}, m.Name) || m.Op != plait.MatchEqual || m.Value == "" {
				continue
			}
			hints = append(hints, misspelt("span of service", m.Value[strings.LastIndexByte(m.Value, '/')+1:], append(services, spanmetrics.UserNode)))
		}
	}
	hints = slices.DeleteFunc(hints, func(h string) bool { return h == "" })
	if len(hints) == 0 {
		return "no span that fits is in this window: its services are known, so look at the window and the other labels", nil
	}
	slices.Sort(hints)
	return strings.Join(slices.Compact(hints), "; "), nil
}

// derivedNames are the names of all series that are derived from spans.
func derivedNames() (names []string) {
	for _, k := range spanMetricKinds {
		names = append(names, k.name)
		for _, suffix := range histogramSuffixes {
			if k.latency {
				names = append(names, k.name+suffix)
			}
		}
	}
	return names
}

// misspelt says that there is nothing of a name, and which names are nearest; nothing when there is.
func misspelt(what, name string, known []string) string {
	if slices.Contains(known, name) {
		return ""
	}
	best, distance := "", max(2, len(name)/3)+1
	for _, other := range known {
		if d := editDistance(name, other, distance); d < distance {
			best, distance = other, d
		}
	}
	if best == "" {
		return fmt.Sprintf("there is no %s %q", what, name)
	}
	return fmt.Sprintf("there is no %s %q; did you mean %q?", what, name, best)
}

// editDistance is how many bytes must be put in, left out or replaced to make b of a, or bound if that
// is more.
func editDistance(a, b string, bound int) int {
	if len(a) > len(b)+bound || len(b) > len(a)+bound {
		return bound
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		least := row[0]
		for j := range len(b) {
			replaced := before
			if a[i] != b[j] {
				replaced++
			}
			before = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
			least = min(least, row[j+1])
		}
		if least >= bound {
			return bound
		}
	}
	return min(row[len(b)], bound)
}
