package remotewrite

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/protobuf"
	"github.com/plaithq/plait/wire/series"
)

// Tags of io.prometheus.write.v2.Request, TimeSeries and Metadata.
const (
	requestSymbols  protobuf.Tag = 4<<3 | protobuf.Bytes
	requestSeriesV2 protobuf.Tag = 5<<3 | protobuf.Bytes

	seriesRefs     protobuf.Tag = 1<<3 | protobuf.Bytes // packed
	seriesMetadata protobuf.Tag = 5<<3 | protobuf.Bytes

	metadataType protobuf.Tag = 1<<3 | protobuf.Varint
	metadataHelp protobuf.Tag = 3<<3 | protobuf.Varint
	metadataUnit protobuf.Tag = 4<<3 | protobuf.Varint
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
	body    []byte
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
		return plait.Errorf(plait.ErrInvalid, "malformed remote write 2.0: %w", err)
	}
	m := d.Metrics()
	m.Series = slices.Grow(memory.series, count)
	memory.samples = slices.Grow(memory.samples, count)
	memory.series = m.Series
	w := walkV2{names: c.namesV2, decoder: d, body: body, symbols: memory.symbols, samples: memory.samples, builder: labels.NewScratchBuilder(16)}
	i := 0
	for f := protobuf.Of(view(body)); f.Next(); {
		if f.Tag == requestSeriesV2 {
			if err := w.series(f.Message()); err != nil {
				return d.failed(V2, i, err)
			}
			i++
		}
	}
	return nil
}

// readSymbols reads the symbols of a request, which may stand anywhere in it, and counts its series.
func (m *Memory) readSymbols(body []byte) (count int, err error) {
	f := protobuf.Of(view(body))
	for f.Next() {
		switch {
		case f.Tag == requestSymbols:
			text := f.Text()
			m.symbols = append(m.symbols, symbol{text, series.Key{}.With(text)})
		case f.Tag == requestSeriesV2:
			count++
		case f.Tag>>3 == requestSymbols>>3 || f.Tag>>3 == requestSeriesV2>>3:
			return 0, &protobuf.Error{Offset: f.Pos(), What: "the field before has a wrong type"}
		}
	}
	if f.Err != nil {
		return 0, f.Err
	}
	if len(m.symbols) > 0 && m.symbols[0].text != "" {
		return 0, errors.New("the first symbol must be empty")
	}
	return count, nil
}

// series takes one TimeSeries. What is not as every sender writes it (references to labels, float
// samples, metadata at the end) is read by Prometheus's types.
func (w *walkV2) series(f protobuf.Fields) error {
	raw := w.body[f.Pos() : f.Pos()+f.Len()]
	from := len(w.samples)
	var key series.Key
	usual := f.Next() && f.Tag == seriesRefs
	if usual {
		key, usual = w.refs(f.Message())
	}
	for usual && f.Next() {
		switch f.Tag {
		case seriesSamples:
			var err error
			if usual, err = w.decoder.addSample(&w.samples, f.Message(), V2); err != nil {
				return err
			}
		case seriesMetadata:
			if usual = f.Len() == 0; usual {
				key, usual = w.metadata(key, f.Message())
			}
		default:
			usual = false
		}
	}
	if f.Err != nil {
		return f.Err
	}
	if !usual {
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

// refs makes a key of the references to the labels. It is not ok when one refers to no symbol.
func (w *walkV2) refs(f protobuf.Fields) (key series.Key, ok bool) {
	for f.NextNumber() {
		if f.Num >= uint64(len(w.symbols)) {
			return key, false
		}
		key = key.WithKey(w.symbols[f.Num].key)
	}
	return key, f.Err == nil
}

// metadata hashes the Metadata of a series into its key.
func (w *walkV2) metadata(key series.Key, f protobuf.Fields) (series.Key, bool) {
	for f.Next() {
		key = key.WithNumber(uint64(f.Tag >> 3))
		switch {
		case f.Tag == metadataType:
			key = key.WithNumber(f.Num)
		case (f.Tag == metadataHelp || f.Tag == metadataUnit) && f.Num < uint64(len(w.symbols)):
			key = key.WithKey(w.symbols[f.Num].key)
		default:
			return key, false
		}
	}
	return key, f.Err == nil
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
