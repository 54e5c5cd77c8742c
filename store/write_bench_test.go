package store_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
	"github.com/plaithq/plait/store/storetest/shop"
)

// The benchmarks write requests of 500 records from four senders at once, as exporters do. An
// operation is a request. The server of the tests does not sync, so they show the cost of
// work and not of the disk.
const (
	benchmarkSenders = 4
	benchmarkRecords = 500
)

func BenchmarkWriteTraces(b *testing.B) {
	g := shop.NewGenerator(1, time.Now())
	requests := make([]*plait.Traces, 100)
	for i := range requests {
		requests[i] = g.Traces(benchmarkRecords)
		requests[i].Digest = plait.Digest{} // the same ones are written again and again
	}
	benchmarkWrite(b, func(s *store.Store, n int) error {
		_, err := s.WriteTraces(b.Context(), requests[n%len(requests)])
		return err
	})
}

func BenchmarkWriteLogs(b *testing.B) {
	g := shop.NewGenerator(1, time.Now())
	requests := make([]*plait.Logs, 100)
	for i := range requests {
		requests[i] = g.Logs(benchmarkRecords)
		requests[i].Digest = plait.Digest{}
	}
	benchmarkWrite(b, func(s *store.Store, n int) error {
		_, err := s.WriteLogs(b.Context(), requests[n%len(requests)])
		return err
	})
}

func benchmarkWrite(b *testing.B, write func(s *store.Store, n int) error) {
	s := storetest.New(b)
	var next atomic.Int64
	b.SetParallelism(benchmarkSenders)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := write(s, int(next.Add(1))); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N*benchmarkRecords)/b.Elapsed().Seconds(), "records/s")
}
