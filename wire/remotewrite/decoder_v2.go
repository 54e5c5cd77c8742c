package remotewrite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/series"
)

// Fields of io.prometheus.write.v2.Request, TimeSeries and Metadata.
const (
	requestSymbols  = 4
	requestSeriesV2 = 5

	seriesRefs     = 1
	seriesMetadata = 5

	metadataType = 1
	metadataHelp = 3
	metadataUnit = 4
)

// symbol is a string to which the series of a request refer.
type symbol struct {
	text string
	key  series.Key
}

// nameV2 is what the names in a series of version 2.0 amount to.
type nameV2 struct {
	series.Name
	metadata plait.MetricMetadata
	told     bool // there is metadata
}

func (n *nameV2) weigh() int {
	return n.Weigh() + len(n.metadata.Metric) + len(n.metadata.Help) + len(n.metadata.Unit)
}

// walkV2 is the decoding of one request.
type walkV2 struct {
	names   *series.Names[nameV2]
	decoder *decoder
	symbols []symbol
	texts   []string // of symbols, once somebody asks
	samples []plait.Sample
	builder labels.ScratchBuilder
}

// decodeV2 reads a request of version 2.0.
func (c *Decoder) decodeV2(d *decoder, body []byte) error {
	memory := d.memory
	count, err := memory.readSymbols(body)
	if err != nil {
		return fmt.Errorf("malformed remote write 2.0: %w: %w", err, plait.ErrInvalid)
	}
	m := d.Metrics()
	m.Series = slices.Grow(memory.series, count)
	memory.samples = slices.Grow(memory.samples, count)
	memory.series = m.Series
	w := walkV2{names: c.namesV2, decoder: d, symbols: memory.symbols, samples: memory.samples, builder: labels.NewScratchBuilder(16)}
	for i := 0; len(body) > 0; {
		number, kind, content, n := field(body)
		if number == requestSeriesV2 && kind == protowire.BytesType {
			if err := w.series(content); err != nil {
				return d.failed(V2, i, err)
			}
			i++
		}
		body = body[n:]
	}
	return nil
}

// readSymbols reads the symbols of a request, which may stand anywhere in it, and counts its series.
func (m *Memory) readSymbols(body []byte) (count int, err error) {
	for len(body) > 0 {
		number, kind, content, n := field(body)
		if n < 0 {
			return 0, errCutOff
		}
		switch {
		case number == requestSymbols && kind == protowire.BytesType:
			text := view(content)
			m.symbols = append(m.symbols, symbol{text, series.Key{}.With(text)})
		case number == requestSeriesV2 && kind == protowire.BytesType:
			count++
		case number == requestSymbols || number == requestSeriesV2:
			return 0, errCutOff
		}
		body = body[n:]
	}
	if len(m.symbols) > 0 && m.symbols[0].text != "" {
		return 0, errors.New("the first symbol must be empty")
	}
	return count, nil
}

// series takes one TimeSeries.
func (w *walkV2) series(raw []byte) error {
	at, key, ok := w.refs(raw)
	from := len(w.samples)
	for ok && len(at) > 0 {
		s, n := usualSample(at, true)
		if n > 0 {
			if len(w.samples) == cap(w.samples) {
				if err := w.decoder.Take(growthBytes * len(w.samples)); err != nil {
					return err
				}
			}
			w.samples = append(w.samples, s)
			ok = series.CheckTime(s.TimeMillis) == nil
			at = at[n:]
			continue
		}
		number, kind, content, n := field(at)
		if n < 0 {
			return errCutOff
		}
		if ok = number == seriesMetadata && kind == protowire.BytesType && n == len(at); ok {
			key, ok = w.metadata(key, content)
		}
		at = at[n:]
	}
	if !ok { // there is something unusual in it: only Prometheus's types tell what
		w.samples = w.samples[:from]
		_, err := w.unknown(raw)
		return err
	}
	name := w.names.Get(key)
	if name == nil {
		w.samples = w.samples[:from]
		name, err := w.unknown(raw)
		if name != nil {
			w.names.Add(key, name)
		}
		return err
	}
	w.samples = w.decoder.addKnown(&name.Name, w.samples, from)
	if name.told {
		w.decoder.addMetadata(name.metadata)
	}
	return w.decoder.Take((len(w.samples) - from - 1) * series.ClashBytes)
}

// refs reads the references to the labels, which every sender puts first, and returns what
// follows and a key for them. It is not ok when they are not as usual.
func (w *walkV2) refs(raw []byte) (rest []byte, key series.Key, ok bool) {
	if len(raw) == 0 || raw[0] != seriesRefs<<3|byte(protowire.BytesType) {
		return nil, key, false
	}
	length, n := binary.Uvarint(raw[1:])
	if n <= 0 || length > uint64(len(raw)-1-n) {
		return nil, key, false
	}
	rest = raw[1+n:]
	refs, rest := rest[:length], rest[length:]
	for len(refs) > 0 {
		ref, n := binary.Uvarint(refs)
		if n <= 0 || ref >= uint64(len(w.symbols)) {
			return nil, key, false
		}
		key = key.WithKey(w.symbols[ref].key)
		refs = refs[n:]
	}
	return rest, key, true
}

// metadata hashes the Metadata of a series into its key.
func (w *walkV2) metadata(key series.Key, raw []byte) (series.Key, bool) {
	for len(raw) > 0 {
		number, kind, n := protowire.ConsumeTag(raw)
		if n < 0 || kind != protowire.VarintType {
			return key, false
		}
		v, m := binary.Uvarint(raw[n:])
		if m <= 0 {
			return key, false
		}
		key = key.WithNumber(uint64(number))
		switch {
		case number == metadataType:
			key = key.WithNumber(v)
		case (number == metadataHelp || number == metadataUnit) && v < uint64(len(w.symbols)):
			key = key.WithKey(w.symbols[v].key)
		default:
			return key, false
		}
		raw = raw[n+m:]
	}
	return key, true
}

// unknown reads a series with Prometheus's types. It returns its name if that is a good one.
func (w *walkV2) unknown(raw []byte) (*nameV2, error) {
	raw, err := w.decoder.prepare(raw, layoutV2)
	if err != nil {
		return nil, err
	}
	var ts writev2.TimeSeries
	if err := ts.Unmarshal(raw); err != nil {
		return nil, err
	}
	if err := sizeOfRefs(ts.LabelsRefs, w.symbols); err != nil {
		w.decoder.refuse(len(ts.Samples)+len(ts.Histograms), err)
		return nil, nil
	}
	ts.Exemplars = slices.DeleteFunc(ts.Exemplars, func(e writev2.Exemplar) bool {
		err := sizeOfRefs(e.LabelsRefs, w.symbols)
		if err != nil {
			w.decoder.refuse(1, fmt.Errorf("exemplar: %w", err))
		}
		return err != nil
	})
	for len(w.texts) < len(w.symbols) {
		w.texts = append(w.texts, w.symbols[len(w.texts)].text)
	}
	m := w.decoder.Metrics()
	before := len(m.Series)
	w.decoder.addV2(&ts, &w.builder, w.texts)
	if len(m.Series) != before+1 {
		return nil, nil
	}
	ls := m.Series[before].Labels
	if err := w.decoder.Take(series.LabelBytes(ls)); err != nil {
		return nil, err
	}
	name := &nameV2{Name: series.Name{ID: ls.ID(), Labels: ls.Clone()}}
	if name.metadata, name.told = metadataV2(&ts, name.Labels.Get(plait.NameLabel), w.texts); name.told {
		name.metadata.Help, name.metadata.Unit = strings.Clone(name.metadata.Help), strings.Clone(name.metadata.Unit)
	}
	return name, nil
}
