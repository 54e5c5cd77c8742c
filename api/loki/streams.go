package loki

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/logql"
	"github.com/plaithq/plait/query/logql/pipeline"
)

// maxAnswerBytes bounds the entries of an answer.
const maxAnswerBytes = 16 << 20

// stream is entries with the same labels.
type stream struct {
	Stream object `json:"stream"`
	Values values `json:"values"`
	last   int64  // the time of the last entry
}

// values are entries as JSON, with commas between.
type values []byte

// MarshalJSON writes the list.
func (v values) MarshalJSON() ([]byte, error) {
	return append(append([]byte{'['}, v...), ']'), nil
}

// lines gathers entries into streams.
type lines struct {
	categorized bool
	interval    int64
	ascending   bool
	streams     []*stream
	byLabels    map[string]*stream
	key         []byte
	count       int
	bytes       int64
	size        int
}

// add adds an entry, unless another of its stream is nearer than the interval.
func (l *lines) add(r *pipeline.Result) {
	labels := object(r.Stream)
	if !l.categorized {
		labels = merged(r)
	} else {
		labels = withEmpty(labels, r.Parsed)
	}
	l.key = labels.append(l.key[:0])
	s := l.byLabels[string(l.key)]
	if s == nil {
		s = &stream{Stream: slices.Clone(labels)}
		l.byLabels[string(l.key)] = s
		l.streams = append(l.streams, s)
		l.size += len(l.key)
	} else {
		apart := r.TimeNanos - s.last
		if !l.ascending {
			apart = -apart
		}
		if apart < l.interval {
			return
		}
		s.Values = append(s.Values, ',')
	}
	s.last = r.TimeNanos
	before := len(s.Values)
	s.Values = l.appendEntry(s.Values, r)
	l.size += len(s.Values) - before
	l.bytes += int64(len(r.Line))
	l.count++
}

// withEmpty adds the labels that a parser found nothing for: Loki makes streams of their own of such entries.
func withEmpty(stream object, parsed []plait.Label) object {
	for _, label := range parsed {
		if label.Value == "" && !strings.HasPrefix(label.Name, "__") {
			stream = append(stream[:len(stream):len(stream)], label)
		}
	}
	return stream
}

// merged is all labels of an entry, as clients that do not tell them apart want them.
func merged(r *pipeline.Result) object {
	all := make(object, 0, len(r.Stream)+len(r.Metadata)+len(r.Parsed))
	for _, of := range [][]plait.Label{r.Parsed, r.Metadata, r.Stream} {
		for _, label := range of {
			if !slices.ContainsFunc(all, func(o plait.Label) bool { return o.Name == label.Name }) {
				all = append(all, label)
			}
		}
	}
	return all
}

func (l *lines) appendEntry(b []byte, r *pipeline.Result) []byte {
	b = append(b, '[', '"')
	b = strconv.AppendInt(b, r.TimeNanos, 10)
	b = append(b, '"', ',')
	b = plait.AppendJSONString(b, r.Line)
	if !l.categorized {
		return append(b, ']')
	}
	b = append(b, ',', '{')
	if len(r.Metadata) > 0 {
		b = object(r.Metadata).append(append(b, `"structuredMetadata":`...))
	}
	if len(r.Parsed) > 0 {
		if len(r.Metadata) > 0 {
			b = append(b, ',')
		}
		b = object(r.Parsed).append(append(b, `"parsed":`...))
	}
	return append(b, '}', ']')
}

// streamsOf answers a log query.
func (h *handler) streamsOf(ctx context.Context, of logql.Log, q *request) (any, error) {
	limit, err := q.number("limit", defaultLimit)
	if err != nil {
		return nil, err
	}
	ascending, err := q.ascending()
	if err != nil {
		return nil, err
	}
	interval, err := q.duration("interval", 0)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	l := &lines{categorized: q.categorized, interval: int64(interval), ascending: ascending, byLabels: map[string]*stream{}}
	cut := false
	err = h.results(ctx, reading{of: of, within: q.within, ascending: ascending, page: limit}, func(r *pipeline.Result) error {
		l.add(r)
		cut = l.size > maxAnswerBytes
		if l.count == limit || cut {
			return errEnough
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	result := resultOf{ResultType: "streams", Result: l.streams, Stats: statsOf(began, l.bytes, int64(l.count))}
	if l.streams == nil {
		result.Result = []*stream{}
	}
	if q.categorized {
		result.EncodingFlags = []string{"categorize-labels"}
	}
	answer := succeed(result)
	if cut {
		answer.Warnings = []string{"the answer has been cut: its lines are more than " + strconv.Itoa(maxAnswerBytes>>20) + " MiB"}
	}
	return answer, nil
}

func statsOf(began time.Time, bytes, lines int64) (s stats) {
	s.Summary = summary{TotalBytesProcessed: bytes, TotalLinesProcessed: lines, ExecTime: max(time.Since(began).Seconds(), 1e-6)}
	s.Summary.BytesProcessedPerSecond = int64(float64(bytes) / s.Summary.ExecTime)
	s.Summary.LinesProcessedPerSecond = int64(float64(lines) / s.Summary.ExecTime)
	return s
}
