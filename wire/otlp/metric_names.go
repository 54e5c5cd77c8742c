package otlp

import (
	"slices"
	"strconv"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/protobuf"
	"github.com/plaithq/plait/wire/series"
)

// names are the series that a data point becomes, in the order in which the converter makes them.
type names struct {
	series   []series.Name
	metadata plait.MetricMetadata
}

// weigh is in bytes. The buckets of one histogram share the texts of their labels.
func (n *names) weigh() int {
	size := len(n.metadata.Metric) + len(n.metadata.Help) + len(n.metadata.Unit)
	for i := range n.series {
		s := &n.series[i]
		if i < 3 || i == len(n.series)-1 {
			size += s.Weigh()
		} else {
			size += 100 + 32*len(s.Labels) + bucketText
		}
	}
	return size
}

// bucketText is what the bound of a bucket takes as text.
const bucketText = 24

func newNameCache() *series.Names[names] { return series.NewNames((*names).weigh) }

// The labels that tell the series of a histogram or summary apart.
const (
	leLabel       = "le"
	quantileLabel = "quantile"
)

// unfold makes the names of all buckets or quantiles from that of one, which is the last.
func (n *names) unfold(label string, bounds *packed, count int) {
	last := len(n.series) - 1
	one := n.series[last]
	n.series = slices.Grow(n.series[:last], count+1)
	for i := range count {
		ls := slices.Clone(one.Labels)
		for j := range ls {
			if ls[j].Name == label {
				ls[j].Value = strconv.FormatFloat(bounds.double(i), 'f', -1, 64)
			}
		}
		n.series = append(n.series, series.Name{ID: ls.ID(), Labels: ls})
	}
	if label == leLabel {
		n.series = append(n.series, one) // le="+Inf"
	}
}

// nameOf makes the name of a label set.
func nameOf(ls labels.Labels) series.Name {
	list := make(plait.Labels, 0, ls.Len())
	ls.Range(func(l labels.Label) {
		if l.Value != "" {
			list = append(list, plait.Label{Name: l.Name, Value: l.Value})
		}
	})
	return series.Name{ID: list.ID(), Labels: list}
}

// usualLabels is what a series has, as a rule at most.
const usualLabels = 8

// nameSize is about what the names of a point take whose attributes have so many bytes: the labels of
// each bucket or quantile, and their texts once.
func (p *point) nameSize(kind protobuf.Tag, text int) int {
	made := 1
	if kind == metricHistogram || kind == metricSummary {
		made = 3 + p.bounds.len()
	}
	return made*(100+32*usualLabels) + 2*text
}
