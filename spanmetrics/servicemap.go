package spanmetrics

import "time"

// MapEdge is how often one service called another within a time range.
type MapEdge struct {
	Edge
	MapCalls
}

// MapNode is what one service did within a time range: its server and consumer spans.
type MapNode struct {
	Service string
	MapCalls
}

// MapCalls sums up calls. Those whose traces a sampler kept count for those that it did not (AdjustedCount).
type MapCalls struct {
	Calls, Failed int64
	// Measured is how many calls were looked at. It is less than Calls where these are an estimate.
	Measured int64
	// DurationNanosSum and the quantiles are of edges the server's view where it is known, else the client's.
	DurationNanosSum int64
	P50, P95, P99    time.Duration // estimated from exponential buckets
}

// ServiceMap is the services and calls within a time range, sorted by name.
type ServiceMap struct {
	Nodes []MapNode
	Edges []MapEdge
	// SampledOneIn is 1 when every trace was counted. In a range with very many spans one trace
	// in so many is, and counts and sums are multiplied by it.
	SampledOneIn int
	// From and To bound the time with data within the range that was asked for, in steps of 15
	// seconds: what counts are divided by for rates. Both are zero where there is no data.
	From, To time.Time
}
