package correlate

import (
	"strconv"
	"strings"

	"github.com/plaithq/plait"
)

// Selector writes the PromQL that selects the series of a metric with the labels.
func Selector(metric string, labels plait.Labels) string {
	var b strings.Builder
	quoted := !plainName(metric, true)
	if !quoted {
		b.WriteString(metric)
	}
	if len(labels) == 0 && !quoted {
		return b.String()
	}
	b.WriteByte('{')
	if quoted {
		b.WriteString(strconv.Quote(metric))
	}
	for i, l := range labels {
		if i > 0 || quoted {
			b.WriteString(", ")
		}
		if plainName(l.Name, false) {
			b.WriteString(l.Name)
		} else {
			b.WriteString(strconv.Quote(l.Name))
		}
		b.WriteString("=" + strconv.Quote(l.Value))
	}
	b.WriteByte('}')
	return b.String()
}

// plainName says whether PromQL takes a name without quotes.
func plainName(name string, colons bool) bool {
	for i, c := range []byte(name) {
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || colons && c == ':'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// quantileQuery is the 95th percentile of a histogram, classic when the metric ends in _bucket,
// native otherwise.
func quantileQuery(metric string, labels plait.Labels) string {
	rate := "rate(" + Selector(metric, labels) + "[5m])"
	if strings.HasSuffix(metric, "_bucket") {
		return "histogram_quantile(0.95, sum by (le) (" + rate + "))"
	}
	return "histogram_quantile(0.95, sum(" + rate + "))"
}

func rateQuery(metric string, labels plait.Labels) string {
	return "sum(rate(" + Selector(metric, labels) + "[5m]))"
}
