package tracesearch

import (
	"cmp"
	"context"
	"slices"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
)

// MapReader draws service maps.
type MapReader interface {
	// ServiceMap counts the calls between services.
	ServiceMap(ctx context.Context, r plait.TimeRange) (spanmetrics.ServiceMap, error)
}

// Link is how often one service called another.
type Link struct {
	Parent, Child string
	Calls, Failed int64
}

// Links returns who called whom, sorted: services that sent spans, and what these say that they called: databases,
// queues, services that send none. Calls of which the caller is not known are left out.
func Links(ctx context.Context, r MapReader, within plait.TimeRange) ([]Link, error) {
	m, err := r.ServiceMap(ctx, within)
	if err != nil {
		return nil, err
	}
	links := make([]Link, 0, len(m.Edges))
	for _, e := range m.Edges {
		if e.Client != spanmetrics.UserNode {
			links = append(links, Link{e.Client, e.Server, e.Calls, e.Failed})
		}
	}
	slices.SortFunc(links, func(a, b Link) int { return cmp.Or(cmp.Compare(a.Parent, b.Parent), cmp.Compare(a.Child, b.Child)) })
	return addUp(links), nil
}

// addUp makes one of neighbours with the same ends: calls over different kinds of connections.
func addUp(links []Link) []Link {
	out := links[:0]
	for _, l := range links {
		if n := len(out); n > 0 && out[n-1].Parent == l.Parent && out[n-1].Child == l.Child {
			out[n-1].Calls += l.Calls
			out[n-1].Failed += l.Failed
			continue
		}
		out = append(out, l)
	}
	return out
}
