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
		if spanmetrics.Calls(side.Kind) || spanmetrics.Answers(side.Kind) && side.ParentSpanID.IsZero() {
			p, err := q.peers.of(row.set, sets[row.set], m.text[row.attributes:row.rest])
			if err != nil {
				return err
			}
			side.Peer, side.Connection = p.as(side.Kind)
		}
		if side.Kind == plait.SpanKindConsumer && row.rest < row.end {
			linked := plait.Span{Kind: side.Kind}
			if err := spans.DecodeExtra(&linked, string(m.text[row.rest:row.end])); err != nil {
				return err
			}
			side.Links = spanmetrics.LinksOf(&linked)
		}
		q.sides = append(q.sides, side)
		q.times = append(q.times, row.times)
	}
	m.rows, m.text = m.rows[:0], m.text[:0]
	return nil
}

// peer is what attributes say of the other side, as each kind of span means it.
type peer struct {
	client, producer, caller string
	connection               spanmetrics.ConnectionType // of a client
}

// as returns the other side of a span of a kind, and how it is connected.
func (p *peer) as(kind plait.SpanKind) (string, spanmetrics.ConnectionType) {
	switch kind {
	case plait.SpanKindClient:
		return p.client, p.connection
	case plait.SpanKindProducer:
		return p.producer, spanmetrics.ConnectionMessaging
	}
	return p.caller, spanmetrics.ConnectionDirect
}

// peerReader reads peers, and remembers those of attributes that repeat.
type peerReader struct {
	names   func(string) string // one copy of each
	ofSets  map[int64]*peer
	ofTexts map[peerText]*peer
}

// peerText is the attributes of a row: its set, and the text of those that stand in it.
type peerText struct {
	set  int64
	text string
}

// maxPeers bounds what is remembered of either sort.
const maxPeers = 10_000

// of returns the peer that a row's attributes name.
func (r *peerReader) of(id int64, set plait.Attributes, text []byte) (*peer, error) {
	if !namesPeer(text) {
		p := r.ofSets[id]
		if p == nil {
			p = r.read(set)
			keepPeer(r.ofSets, id, p)
		}
		return p, nil
	}
	if p := r.ofTexts[peerText{id, string(text)}]; p != nil {
		return p, nil
	}
	attributes, err := rowcodec.JoinAttributes(set, string(text))
	if err != nil {
		return nil, err
	}
	p := r.read(attributes)
	keepPeer(r.ofTexts, peerText{id, string(text)}, p)
	return p, nil
}

func keepPeer[K comparable](of map[K]*peer, key K, p *peer) {
	if len(of) >= maxPeers {
		clear(of)
	}
	of[key] = p
}

func (r *peerReader) read(attributes plait.Attributes) *peer {
	var p peer
	p.client, p.connection = spanmetrics.PeerOf(plait.SpanKindClient, attributes)
	p.producer, _ = spanmetrics.PeerOf(plait.SpanKindProducer, attributes)
	p.caller = spanmetrics.CallerOf(attributes)
	p.client, p.producer, p.caller = r.names(p.client), r.names(p.producer), r.names(p.caller)
	return &p
}

// peerKeys are the keys of attributes that name the other side, as they stand in a text.
var peerKeys = func() (keys [][]byte) {
	for _, key := range slices.Concat(spanmetrics.PeerKeys, spanmetrics.PortKeys) {
		keys = append(keys, append(plait.AppendJSONString(nil, key), ':'))
	}
	return keys
}()

// namesPeer says whether a text of attributes may name the other side.
func namesPeer(text []byte) bool {
	return slices.ContainsFunc(peerKeys, func(key []byte) bool { return bytes.Contains(text, key) })
}
