package servicemap

import (
	"bytes"
	"context"
	"slices"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
	"github.com/plaithq/plait/store/dictionary"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/spans"
)

// mapRows makes sides of rows, some at a time: their dictionary entries are read together.
type mapRows struct {
	question *question
	rows     []mapRow
	text     []byte // of the rows
}

// mapRow is a row of spanRowsSQL.
type mapRow struct {
	target           spanmetrics.Target
	parent           plait.SpanID
	times            spanTimes
	failed           bool
	operation, set   int64
	attributes, rest int // where its attributes begin in the text, and where what follows them does
	end              int
}

// mapRowsAtOnce is how many rows wait for their entries.
const mapRowsAtOnce = 5_000

func (m *mapRows) add(ctx context.Context, v [][]byte) error {
	row := mapRow{
		target:    spanmetrics.Target{TraceID: plait.TraceID(v[0]), SpanID: plait.SpanIDFromInt64(rowcodec.Int8(v[1]))},
		parent:    plait.SpanIDFromInt64(rowcodec.Int8(v[2])),
		times:     spanTimes{rowcodec.TimeMicros(v[3]), spanmetrics.Believed(rowcodec.Int8(v[4]))},
		failed:    rowcodec.Int2(v[5]) == int16(plait.StatusError),
		operation: rowcodec.Int8(v[6]), set: rowcodec.Int8(v[7]),
		attributes: len(m.text),
	}
	m.text = append(m.text, v[8]...)
	row.rest = len(m.text)
	m.text = append(m.text, v[9]...)
	row.end = len(m.text)
	m.rows = append(m.rows, row)
	if len(m.rows) < mapRowsAtOnce && len(m.text) < comparedBytes {
		return nil
	}
	return m.flush(ctx)
}

// comparedBytes bounds the text of the rows that wait.
const comparedBytes = 4 << 20

// flush hands the sides of the rows that wait to the question.
func (m *mapRows) flush(ctx context.Context) error {
	entries, q := m.question.reader.entries, m.question
	operations, err := entries.Operations.Entries(ctx, dictionary.Column(m.rows, func(r *mapRow) int64 { return r.operation }))
	if err != nil {
		return err
	}
	sets, err := entries.AttributeSets.Entries(ctx, dictionary.Column(m.rows, func(r *mapRow) int64 { return r.set }))
	if err != nil {
		return err
	}
	for i := range m.rows {
		row := &m.rows[i]
		operation := operations[row.operation]
		side := spanmetrics.Side{
			Target: row.target, ParentSpanID: row.parent, Failed: row.failed,
			Kind: operation.Kind, Service: q.name(spanmetrics.Clip(operation.Service)),
		}
		told, err := q.told.by(row.set, sets[row.set], m.text[row.attributes:row.rest])
		if err != nil {
			return err
		}
		if spanmetrics.Calls(side.Kind) || spanmetrics.Answers(side.Kind) && side.ParentSpanID.IsZero() {
			side.Peer, side.Connection = told.peer(side.Kind)
		}
		extra := plait.Span{TraceID: row.target.TraceID, Kind: side.Kind}
		if row.rest < row.end {
			if err := spans.DecodeExtra(&extra, string(m.text[row.rest:row.end])); err != nil {
				return err
			}
			side.Links = spanmetrics.LinksOf(&extra)
		}
		side.Adjusted = spanmetrics.AdjustedCountBy(&extra, told.adjusted)
		q.sides = append(q.sides, side)
		q.times = append(q.times, row.times)
	}
	m.rows, m.text = m.rows[:0], m.text[:0]
	return nil
}

// told is what attributes say of the other side, as each kind of span means it, and of the sampler that kept the span.
type told struct {
	client, producer, caller string
	connection               spanmetrics.ConnectionType // of a client
	adjusted                 float64                    // see spanmetrics.OfSampler
}

// peer returns the other side of a span of a kind, and how it is connected.
func (t *told) peer(kind plait.SpanKind) (string, spanmetrics.ConnectionType) {
	switch kind {
	case plait.SpanKindClient:
		return t.client, t.connection
	case plait.SpanKindProducer:
		return t.producer, spanmetrics.ConnectionMessaging
	}
	return t.caller, spanmetrics.ConnectionDirect
}

// toldReader reads what attributes tell, and remembers it of those that repeat.
type toldReader struct {
	names   func(string) string // one copy of each
	ofSets  map[int64]*told
	ofTexts map[toldText]*told
}

// toldText is the attributes of a row: its set, and the text of those that stand in it.
type toldText struct {
	set  int64
	text string
}

// maxTold bounds what is remembered of either sort.
const maxTold = 10_000

// by returns what a row's attributes tell.
func (r *toldReader) by(id int64, set plait.Attributes, text []byte) (*told, error) {
	if !tells(text) {
		t := r.ofSets[id]
		if t == nil {
			t = r.read(set)
			keepTold(r.ofSets, id, t)
		}
		return t, nil
	}
	if t := r.ofTexts[toldText{id, string(text)}]; t != nil {
		return t, nil
	}
	attributes, err := rowcodec.JoinAttributes(set, string(text))
	if err != nil {
		return nil, err
	}
	t := r.read(attributes)
	keepTold(r.ofTexts, toldText{id, string(text)}, t)
	return t, nil
}

func keepTold[K comparable](of map[K]*told, key K, t *told) {
	if len(of) >= maxTold {
		clear(of)
	}
	of[key] = t
}

func (r *toldReader) read(attributes plait.Attributes) *told {
	var t told
	t.client, t.connection = spanmetrics.PeerOf(plait.SpanKindClient, attributes)
	t.producer, _ = spanmetrics.PeerOf(plait.SpanKindProducer, attributes)
	t.caller = spanmetrics.CallerOf(attributes)
	t.client, t.producer, t.caller = r.names(t.client), r.names(t.producer), r.names(t.caller)
	t.adjusted = spanmetrics.OfSampler(attributes)
	return &t
}

// telling are the keys of attributes that tell something, as they stand in a text.
var telling = func() (keys [][]byte) {
	for _, key := range slices.Concat(spanmetrics.PeerKeys, spanmetrics.PortKeys, spanmetrics.SamplerKeys) {
		keys = append(keys, append(plait.AppendJSONString(nil, key), ':'))
	}
	return keys
}()

// tells says whether a text of attributes may tell something.
func tells(text []byte) bool {
	return slices.ContainsFunc(telling, func(key []byte) bool { return bytes.Contains(text, key) })
}
