package counts

import (
	"math/rand/v2"
	"testing"
)

// A commit of 1,000 spans of a minute or two, of 400 operations of 20 services: most cells have a few spans.
func BenchmarkCountingTheSpansOfACommit(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	operations, resources := make([]int64, 400), make([]int64, 20)
	for i := range operations {
		operations[i] = r.Int64()
	}
	for i := range resources {
		resources[i] = r.Int64()
	}
	type row struct {
		key   SpanKey
		nanos int64
	}
	rows := make([]row, 1_000)
	for i := range rows {
		operation := r.IntN(len(operations))
		rows[i] = row{SpanKey{Minute: 29_000_000 + r.Int64N(2), Operation: operations[operation], Resource: resources[operation%len(resources)]}, r.Int64N(1e9)}
	}
	s := NewSpans()
	b.ReportAllocs()
	for b.Loop() {
		s.Reset()
		for i := range rows {
			s.Add(rows[i].key, rows[i].nanos)
		}
		s.AppendTo(nil)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(rows)), "ns/span")
}
