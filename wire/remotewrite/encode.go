package remotewrite

import (
	"fmt"

	"github.com/prometheus/common/model"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"

	"github.com/plaithq/plait"
)

// Names of an exemplar's labels that hold its ids, as Prometheus's readers know them.
const (
	traceLabel = "trace_id"
	spanLabel  = "span_id"
)

// EncodeV2 writes the series of all parts as a request of version 2.0, not compressed yet, each with what is known of its metric. An error is one of a native histogram that cannot be read.
func EncodeV2(known plait.Describe, parts ...[]plait.SeriesData) ([]byte, error) {
	symbols := writev2.NewSymbolTable()
	var r writev2.Request
	for _, part := range parts {
		for i := range part {
			if len(part[i].Samples)+len(part[i].Histograms)+len(part[i].Exemplars) == 0 {
				continue // all that it brought was refused
			}
			ts, err := seriesV2(&symbols, &part[i])
			if err != nil {
				return nil, err
			}
			ts.Metadata = metadataOf(&symbols, known, part[i].Labels.Get(plait.NameLabel))
			r.Timeseries = append(r.Timeseries, ts)
		}
	}
	r.Symbols = symbols.Symbols()
	body, err := r.Marshal()
	if err != nil {
		return nil, fmt.Errorf("encode remote write: %w", err)
	}
	return body, nil
}

func seriesV2(symbols *writev2.SymbolsTable, s *plait.SeriesData) (ts writev2.TimeSeries, err error) {
	ts.LabelsRefs = refsOf(symbols, s.Labels)
	for _, p := range s.Samples {
		ts.Samples = append(ts.Samples, writev2.Sample{Value: p.Value, Timestamp: p.TimeMillis, StartTimestamp: p.StartMillis})
	}
	for _, p := range s.Histograms {
		var h writev2.Histogram
		if err := h.Unmarshal(p.Encoded); err != nil {
			return ts, fmt.Errorf("encode a native histogram: %w", err)
		}
		h.Timestamp, h.StartTimestamp = p.TimeMillis, p.StartMillis
		ts.Histograms = append(ts.Histograms, h)
	}
	for i := range s.Exemplars {
		e := &s.Exemplars[i]
		ts.Exemplars = append(ts.Exemplars, writev2.Exemplar{LabelsRefs: refsOf(symbols, exemplarLabels(e)), Value: e.Value, Timestamp: e.TimeNanos / 1e6})
	}
	return ts, nil
}

// exemplarLabels are the ids of an exemplar as labels, and its others.
func exemplarLabels(e *plait.Exemplar) (labels plait.Labels) {
	if !e.TraceID.IsZero() {
		labels = append(labels, plait.Label{Name: traceLabel, Value: e.TraceID.String()})
	}
	if !e.SpanID.IsZero() {
		labels = append(labels, plait.Label{Name: spanLabel, Value: e.SpanID.String()})
	}
	return append(labels, e.Labels...)
}

func metadataOf(symbols *writev2.SymbolsTable, known plait.Describe, name string) (m writev2.Metadata) {
	if told, ok := known.Series(name); ok {
		m.Type = writev2.FromMetadataType(model.MetricType(told.Type))
		m.HelpRef, m.UnitRef = symbols.Symbolize(told.Help), symbols.Symbolize(told.Unit)
	}
	return m
}

func refsOf(symbols *writev2.SymbolsTable, labels plait.Labels) []uint32 {
	refs := make([]uint32, 0, 2*len(labels))
	for _, l := range labels {
		refs = append(refs, symbols.Symbolize(l.Name), symbols.Symbolize(l.Value))
	}
	return refs
}
