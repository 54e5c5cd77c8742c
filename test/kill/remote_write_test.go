package kill

import (
	"encoding/hex"
	"fmt"
	"time"

	"github.com/klauspost/compress/snappy"
	"github.com/prometheus/prometheus/prompb"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"
)

// remoteWriteIDs are a trace id as exemplars of Prometheus have it, 16 digits when it is half, and a span id.
func remoteWriteIDs(number, n int) (traceID, spanID string) {
	id := spelledIDOf(number)
	if spellsHalf(number) {
		id = id[8:]
	}
	return hex.EncodeToString(id), hex.EncodeToString(spanIDOf(number, n))
}

func remoteWrite1(number int, now time.Time) ([]byte, error) {
	series := prompb.TimeSeries{Labels: []prompb.Label{
		{Name: "__name__", Value: metricName}, {Name: "request", Value: fmt.Sprint(number)},
	}}
	for n := range perRequest {
		at := timeOf(number, now).UnixMilli() + int64(n)
		series.Samples = append(series.Samples, prompb.Sample{Timestamp: at, Value: float64(n)})
		if n < exemplarsPerRequest {
			traceID, spanID := remoteWriteIDs(number, n)
			series.Exemplars = append(series.Exemplars, prompb.Exemplar{
				Timestamp: at, Value: float64(n), Labels: []prompb.Label{{Name: "span_id", Value: spanID}, {Name: "trace_id", Value: traceID}},
			})
		}
	}
	body, err := (&prompb.WriteRequest{Timeseries: []prompb.TimeSeries{series}}).Marshal()
	return snappy.Encode(nil, body), err
}

func remoteWrite2(number int, now time.Time) ([]byte, error) {
	symbols := writev2.NewSymbolTable()
	refs := func(texts ...string) (refs []uint32) {
		for _, s := range texts {
			refs = append(refs, symbols.Symbolize(s))
		}
		return refs
	}
	series := writev2.TimeSeries{LabelsRefs: refs("__name__", metricName, "request", fmt.Sprint(number))}
	for n := range perRequest {
		at := timeOf(number, now).UnixMilli() + int64(n)
		series.Samples = append(series.Samples, writev2.Sample{Timestamp: at, Value: float64(n)})
		if n < exemplarsPerRequest {
			traceID, spanID := remoteWriteIDs(number, n)
			series.Exemplars = append(series.Exemplars, writev2.Exemplar{
				Timestamp: at, Value: float64(n), LabelsRefs: refs("span_id", spanID, "trace_id", traceID),
			})
		}
	}
	body, err := (&writev2.Request{Symbols: symbols.Symbols(), Timeseries: []writev2.TimeSeries{series}}).Marshal()
	return snappy.Encode(nil, body), err
}
