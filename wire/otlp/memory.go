package otlp

import (
	"slices"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/series"
)

// Memory is what decoded requests are made of, for one request after the other: a gateway
// that decodes each into fresh memory spends a tenth of its time on getting and clearing it.
// The zero value is ready.
type Memory struct {
	spans      []plait.Span
	logs       []plait.LogRecord
	attributes arena[plait.Attribute]
	events     arena[plait.Event]
	links      arena[plait.Link]
}

// maxKeptRecords bounds the spans and log records that are used again, maxPiece times as
// many attributes.
const maxKeptRecords = 4096

// Reset takes back what was decoded, which must not be looked at any more.
func (m *Memory) Reset() {
	m.spans = again(m.spans)
	m.logs = again(m.logs)
	m.attributes.reset()
	m.events.reset()
	m.links.reset()
}

// again empties a slice, and lets go of a large one.
func again[T any](list []T) []T {
	if cap(list) > maxKeptRecords {
		return nil
	}
	clear(list[:cap(list)])
	return list[:0]
}

// DecodeTraces is the package's DecodeTraces. The result lasts until Reset. What the numbers of records and
// attributes do not tell of the memory that it takes is asked for of claim, whose error ends the
// decoding; claim may be nil.
func (m *Memory) DecodeTraces(body []byte, claim func(bytes int64) error) (*plait.Traces, error) {
	d := traceDecoder{decoder: m.newDecoder(body, tracePlace, claim)}
	m.events.begin(0)
	m.links.begin(0)
	m.spans = slices.Grow(m.spans, d.count())
	if err := d.request(d.span); err != nil {
		return nil, err
	}
	return d.result(), nil
}

// DecodeLogs is for logs what DecodeTraces is for traces.
func (m *Memory) DecodeLogs(body []byte, claim func(bytes int64) error) (*plait.Logs, error) {
	d := logDecoder{decoder: m.newDecoder(body, logPlace, claim)}
	m.logs = slices.Grow(m.logs, d.count())
	if err := d.request(d.log); err != nil {
		return nil, err
	}
	return d.result(), nil
}

func (m *Memory) newDecoder(body []byte, names place, claim func(int64) error) decoder {
	m.attributes.begin(len(body) / 40) // attributes take some 40 bytes each as a rule
	return decoder{Memory: m, body: view(body), place: names, nested: nested{ledger: series.Ledger{Claim: claim}}}
}
