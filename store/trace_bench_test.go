package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/store/storetest"
	"github.com/plaithq/plait/store/storetest/shop"
)

func BenchmarkTrace(b *testing.B) {
	s := storetest.New(b)
	g := shop.NewGenerator(1, time.Now())
	for _, spans := range []int{20, 20_000} {
		id := traceNumber(uint64(spans), 1)
		traces := g.Traces(spans)
		for i := range traces.Spans {
			traces.Spans[i].TraceID = id
		}
		writeSpans(b, s, traces.Spans...)
		b.Run(fmt.Sprint(spans), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				trace, err := s.Trace(b.Context(), id, 50_000)
				if err != nil || len(trace.Spans) != spans {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkTraceLogs(b *testing.B) {
	s := storetest.New(b)
	id := traceNumber(1, 1)
	logs := shop.NewGenerator(1, time.Now()).Logs(20)
	for i := range logs.Records {
		logs.Records[i].TraceID = id
	}
	writeLogs(b, s, logs.Records...)
	b.ReportAllocs()
	for b.Loop() {
		records, _, err := s.Logs(b.Context(), query.Logs{Condition: query.LogTrace(id), Page: query.Page{Limit: 100}})
		if err != nil || len(records) != 20 {
			b.Fatal(err)
		}
	}
}
