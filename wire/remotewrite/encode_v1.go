package remotewrite

import (
	"fmt"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/prompb"

	"github.com/plaithq/plait"
)

// EncodeV1 writes the series as a request of version 1.0, not compressed yet, followed by what is known of their metrics, once each. It has no place for
// when a sample's counting began. An error is one of a native histogram that cannot be read.
func EncodeV1(known plait.Describe, series []plait.SeriesData) ([]byte, error) {
	var r prompb.WriteRequest
	told := map[string]bool{}
	for i := range series {
		s := &series[i]
		if len(s.Samples)+len(s.Histograms)+len(s.Exemplars) == 0 {
			continue // all that it brought was refused
		}
		ts, err := seriesV1(s)
		if err != nil {
			return nil, err
		}
		r.Timeseries = append(r.Timeseries, ts)
		m, ok := known.Series(s.Labels.Get(plait.NameLabel))
		if ok && !told[m.Metric] {
			told[m.Metric] = true
			r.Metadata = append(r.Metadata, prompb.MetricMetadata{MetricFamilyName: m.Metric, Type: prompb.FromMetadataType(model.MetricType(m.Type)), Help: m.Help, Unit: m.Unit})
		}
	}
	body, err := r.Marshal()
	if err != nil {
		return nil, fmt.Errorf("encode remote write: %w", err)
	}
	return body, nil
}

func seriesV1(s *plait.SeriesData) (ts prompb.TimeSeries, err error) {
	ts.Labels = labelsV1(s.Labels)
	for _, p := range s.Samples {
		ts.Samples = append(ts.Samples, prompb.Sample{Value: p.Value, Timestamp: p.TimeMillis})
	}
	for _, p := range s.Histograms {
		var h prompb.Histogram // whose fields are those of version 2.0
		if err := h.Unmarshal(p.Encoded); err != nil {
			return ts, fmt.Errorf("encode a native histogram: %w", err)
		}
		h.Timestamp = p.TimeMillis
		ts.Histograms = append(ts.Histograms, h)
	}
	for i := range s.Exemplars {
		e := &s.Exemplars[i]
		ts.Exemplars = append(ts.Exemplars, prompb.Exemplar{Labels: labelsV1(exemplarLabels(e)), Value: e.Value, Timestamp: e.TimeNanos / 1e6})
	}
	return ts, nil
}

func labelsV1(labels plait.Labels) []prompb.Label {
	list := make([]prompb.Label, 0, len(labels))
	for _, l := range labels {
		list = append(list, prompb.Label{Name: l.Name, Value: l.Value})
	}
	return list
}
