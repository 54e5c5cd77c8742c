package remotewrite

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unsafe"

	"github.com/prometheus/prometheus/prompb"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/series"
)

// Decoder is Decode for a stream of requests: it remembers the names of series and reads float
// samples by itself, at a tenth of the cost. What it does not know, and all that is not a float
// sample, is read by Prometheus's own types, a series at a time. Its methods may be called
// concurrently.
type Decoder struct {
	names   *series.Names[series.Name]
	namesV2 *series.Names[nameV2]
}

// NewDecoder makes a decoder.
func NewDecoder() *Decoder {
	return &Decoder{
		names:   series.NewNames((*series.Name).Weigh),
		namesV2: series.NewNames((*nameV2).weigh),
	}
}

// Fields of prometheus.WriteRequest, TimeSeries and Sample.
const (
	requestSeries = 1

	seriesLabels  = 1
	seriesSamples = 2

	sampleValue = 1
	sampleTime  = 2
	sampleStart = 3 // of version 2.0
)

// Memory is what decoded requests are made of, for one after the other. The zero value is ready.
type Memory struct {
	series  []plait.SeriesData
	samples []plait.Sample
	symbols []symbol // of version 2.0
	clashes series.Clashes
}

// maxKept bounds the series and samples whose memory is used again.
const maxKept = 16 << 10

// Reset takes back what was decoded, which must not be looked at any more.
func (m *Memory) Reset() {
	if cap(m.series) > maxKept {
		m.series = nil
	}
	if cap(m.samples) > maxKept {
		m.samples = nil
	}
	if cap(m.symbols) > maxKept {
		m.symbols = nil
	}
	clear(m.series[:cap(m.series)])
	clear(m.symbols[:cap(m.symbols)])
	m.series, m.samples, m.symbols = m.series[:0], m.samples[:0], m.symbols[:0]
	m.clashes.Reset()
}

// Decode reads a request. A series of which the request has several parts may occur several times. The
// result lasts until the memory is reset. What is wrong with one series or sample is in Refused; an error
// that wraps plait.ErrInvalid says that nothing could be read. It ends with the context's error when
// that is done, and with claim's when that grants no more memory; claim may be nil.
func (c *Decoder) Decode(ctx context.Context, body []byte, v Version, memory *Memory, claim func(bytes int64) error) (*plait.Metrics, error) {
	d := newDecoder(ctx, memory, claim)
	var err error
	if v == V2 {
		err = c.decodeV2(d, body)
	} else {
		err = c.decodeV1(d, body)
	}
	if err != nil {
		return nil, err
	}
	return d.metrics(), nil
}

// malformed is the error of a request as a whole.
func malformed(v Version, number int, err error) error {
	return fmt.Errorf("malformed remote write %d.0: series %d: %w: %w", v, number, err, plait.ErrInvalid)
}

var errCutOff = errors.New("a field is cut off or has a wrong type")

// decodeV1 reads a request of version 1.0.
func (c *Decoder) decodeV1(d *decoder, body []byte) error {
	m := d.Metrics()
	memory := d.memory
	count := countSeries(body)
	m.Series = slices.Grow(memory.series, count)
	memory.samples = slices.Grow(memory.samples, count) // mostly one each
	memory.series = m.Series
	w := walk{names: c.names, decoder: d, samples: memory.samples}
	var rest []byte // what is not series: metadata
	for at, i := body, 0; len(at) > 0; i++ {
		number, kind, content, n := field(at)
		if n < 0 {
			return malformed(V1, i, errCutOff)
		}
		if number == requestSeries && kind == protowire.BytesType {
			if err := w.series(content); err != nil {
				return d.failed(V1, i, err)
			}
		} else {
			rest = append(rest, at[:n]...)
		}
		at = at[n:]
	}
	return d.metadataV1(rest)
}

// metadataV1 reads what a request of version 1.0 tells of metrics.
func (d *decoder) metadataV1(raw []byte) error {
	var req prompb.WriteRequest
	if err := req.Unmarshal(raw); err != nil {
		return fmt.Errorf("malformed remote write 1.0: metadata: %w: %w", err, plait.ErrInvalid)
	}
	for _, m := range req.Metadata {
		d.addMetadata(plait.MetricMetadata{
			Metric: m.MetricFamilyName, Type: plait.MetricType(strings.ToLower(m.Type.String())), Help: m.Help, Unit: m.Unit,
		})
	}
	return nil
}

// What parts of a request take in memory, in bytes: a series of one sample with its labels and its
// part of the rows that are made of it, and a symbol.
const (
	seriesMemory = 300
	symbolMemory = 40
	// usualLabels are in seriesMemory, labelBytes is what each other one takes; their texts are in the body.
	usualLabels = 7
	labelBytes  = 32
	// growthBytes is what is taken for each sample when their list grows, old and new one together.
	growthBytes = 2 * 24
)

// Weigh returns about how many bytes a request takes beside its body once it is decoded. Empty
// series and symbols are two bytes of a body and as much as others in memory.
func Weigh(body []byte, v Version) int64 {
	weight := int64(len(body))
	for len(body) > 0 {
		number, _, _, n := field(body)
		if n < 0 {
			break // decoding ends here too
		}
		if v == V2 && number == requestSymbols {
			weight += symbolMemory
		} else {
			weight += seriesMemory
		}
		body = body[n:]
	}
	return weight
}

// countSeries returns how many series a request has, up to where it is malformed.
func countSeries(body []byte) (count int) {
	for len(body) > 0 {
		number, _, _, n := field(body)
		if n < 0 {
			break
		}
		if number == requestSeries {
			count++
		}
		body = body[n:]
	}
	return count
}

// walk is the decoding of one request.
type walk struct {
	names   *series.Names[series.Name]
	decoder *decoder
	samples []plait.Sample // all of the request, so that a series needs no slice of its own
}

// series takes one TimeSeries.
func (w *walk) series(raw []byte) error {
	end, from := labelsEnd(raw), len(w.samples)
	key := series.Key{}.With(view(raw[:end]))
	plain := true
	for at := raw[end:]; len(at) > 0; {
		s, n := usualSample(at, false)
		if n == 0 {
			number, kind, content, length := field(at)
			if length < 0 {
				return errCutOff
			}
			if number != seriesSamples || kind != protowire.BytesType {
				plain = false
				at = at[length:]
				continue
			}
			var ok bool
			if s, ok = sample(content); !ok {
				return errCutOff
			}
			n = length
		}
		if len(w.samples) == cap(w.samples) {
			if err := w.decoder.Take(growthBytes * len(w.samples)); err != nil {
				return err
			}
		}
		w.samples = append(w.samples, s)
		plain = plain && series.CheckTime(s.TimeMillis) == nil
		at = at[n:]
	}
	if name := w.names.Get(key); plain && name != nil {
		w.samples = w.decoder.addKnown(name, w.samples, from)
		return w.decoder.Take((len(w.samples) - from - 1) * series.ClashBytes)
	}
	w.samples = w.samples[:from]
	return w.unknown(raw, key)
}

// unknown reads a series with Prometheus's types, and remembers its name if it is a good one.
func (w *walk) unknown(raw []byte, key series.Key) error {
	raw, err := w.decoder.prepare(raw, layoutV1)
	if err != nil {
		return err
	}
	var ts prompb.TimeSeries
	if err := ts.Unmarshal(raw); err != nil {
		return err
	}
	m := w.decoder.Metrics()
	before := len(m.Series)
	w.decoder.addV1(&ts)
	if len(m.Series) != before+1 {
		return nil
	}
	ls := m.Series[before].Labels
	if err := w.decoder.Take(labelBytes * max(0, len(ls)-usualLabels)); err != nil {
		return err
	}
	w.names.Add(key, &series.Name{ID: ls.ID(), Labels: ls.Clone()})
	return nil
}

// labelsEnd returns where the labels of a TimeSeries end, which every sender puts first. Their
// bytes name the series.
func labelsEnd(raw []byte) (end int) {
	for len(raw) > end && raw[end] == seriesLabels<<3|byte(protowire.BytesType) {
		length, n := binary.Uvarint(raw[end+1:])
		if n <= 0 || length > uint64(len(raw)-end-1-n) {
			break
		}
		end += 1 + n + int(length)
	}
	return end
}

// usualSample reads the field of a Sample as every sender writes it: the value, absent when it
// is 0, then the time and, in version 2.0, the start if there is one. It returns the field's
// length, 0 for anything else.
func usualSample(b []byte, started bool) (s plait.Sample, n int) {
	if len(b) < 2 || b[0] != seriesSamples<<3|byte(protowire.BytesType) || int(b[1]) > min(len(b)-2, 0x7f) {
		return s, 0
	}
	n = 2 + int(b[1])
	b = b[2:n]
	if len(b) > 9 && b[0] == sampleValue<<3|byte(protowire.Fixed64Type) {
		s.Value = math.Float64frombits(binary.LittleEndian.Uint64(b[1:]))
		b = b[9:]
	}
	if len(b) < 2 || b[0] != sampleTime<<3|byte(protowire.VarintType) {
		return plait.Sample{}, 0
	}
	millis, length := binary.Uvarint(b[1:])
	if length <= 0 {
		return plait.Sample{}, 0
	}
	s.TimeMillis = int64(millis)
	if b = b[1+length:]; started && len(b) > 1 && b[0] == sampleStart<<3|byte(protowire.VarintType) {
		millis, length = binary.Uvarint(b[1:])
		if length <= 0 {
			return plait.Sample{}, 0
		}
		s.StartMillis = int64(millis)
		b = b[1+length:]
	}
	if len(b) > 0 {
		return plait.Sample{}, 0
	}
	return s, n
}

// field reads a field: its number and type, its content if it is a bytes field, and its length,
// which is negative when it is malformed.
func field(b []byte) (number protowire.Number, kind protowire.Type, content []byte, n int) {
	number, kind, n = protowire.ConsumeTag(b)
	if n < 0 {
		return 0, 0, nil, -1
	}
	if kind != protowire.BytesType {
		m := protowire.ConsumeFieldValue(number, kind, b[n:])
		if m < 0 {
			return 0, 0, nil, -1
		}
		return number, kind, nil, n + m
	}
	content, m := protowire.ConsumeBytes(b[n:])
	if m < 0 {
		return 0, 0, nil, -1
	}
	return number, kind, content, n + m
}

// sample reads a Sample.
func sample(b []byte) (s plait.Sample, ok bool) {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return s, false
		}
		b = b[n:]
		switch {
		case number == sampleValue && kind == protowire.Fixed64Type:
			bits, m := protowire.ConsumeFixed64(b)
			s.Value, n = math.Float64frombits(bits), m
		case number == sampleTime && kind == protowire.VarintType:
			millis, m := protowire.ConsumeVarint(b)
			s.TimeMillis, n = int64(millis), m
		default:
			n = protowire.ConsumeFieldValue(number, kind, b)
		}
		if n < 0 {
			return s, false
		}
		b = b[n:]
	}
	return s, true
}

// view returns the bytes as a string without copying them.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
