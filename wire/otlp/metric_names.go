package otlp

import (
	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/series"
)

// names are the series that a data point becomes, in the order in which the converter makes them.
type names struct {
	series   []series.Name
	metadata plait.MetricMetadata
}

func newNameCache() *series.Names[names] {
	return series.NewNames(func(n *names) int { return len(n.series) })
}
