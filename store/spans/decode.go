package spans

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/canonical"
	"github.com/plaithq/plait/store/dictionary"
	"github.com/plaithq/plait/store/index"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/search"
	"github.com/plaithq/plait/store/tally"
	"github.com/plaithq/plait/store/traceid"
)

// spanColumns are the columns of a row, in the order in which it is written and read; the shelf comes beside them.
const (
	spanColumns = `trace_id, start_time, start_sub_ns, span_id, parent_span_id, duration_ns,
       operation, resource, attribute_set, flags, status, attributes, extra`
	spanFields = 13
)

// Reader reads spans and traces. Its methods may be called concurrently.
type Reader struct {
	search  *pgxpool.Pool // statements that are planned each time
	lookup  *pgxpool.Pool // and those that are planned once
	entries *dictionary.Reader
	ids     *traceid.Index
	terms   *index.Index
	tally   *tally.Tally
	now     func() time.Time
}

// NewReader makes a reader.
func NewReader(search, lookup *pgxpool.Pool, entries *dictionary.Reader, ids *traceid.Index, searched *index.Index, counted *tally.Tally, now func() time.Time) *Reader {
	return &Reader{search: search, lookup: lookup, entries: entries, ids: ids, terms: searched, tally: counted, now: now}
}

// storedSpan is a span as it is stored.
type storedSpan struct {
	traceID      plait.TraceID
	startMicros  int64
	subNanos     int16
	spanID       int64
	parentID     int64
	duration     int64
	operation    int64
	resource     int64
	attributeSet int64
	flags        int32
	status       int16
	attributes   string
	extra        string
}

func scanSpan(v [][]byte) storedSpan {
	return storedSpan{
		traceID:      plait.TraceID(v[0]),
		startMicros:  rowcodec.TimeMicros(v[1]),
		subNanos:     rowcodec.Int2(v[2]),
		spanID:       rowcodec.Int8(v[3]),
		parentID:     rowcodec.Int8(v[4]),
		duration:     rowcodec.Int8(v[5]),
		operation:    rowcodec.Int8(v[6]),
		resource:     rowcodec.Int8(v[7]),
		attributeSet: rowcodec.Int8(v[8]),
		flags:        rowcodec.Int4(v[9]),
		status:       rowcodec.Int2(v[10]),
		attributes:   string(v[11]),
		extra:        string(v[12]),
	}
}

// startNanos returns the start since the Unix epoch. The product may overflow at the ends of
// the range; adding the rest brings it back.
func (r *storedSpan) startNanos() int64 { return r.startMicros*1000 + int64(r.subNanos) }

// spanExtra is what few spans have, as the column extra holds it.
type spanExtra struct {
	Name              *string          `json:"name"` // in place of the operation's
	StatusMessage     string           `json:"status_message"`
	TraceState        string           `json:"trace_state"`
	Events            []spanExtraEvent `json:"events"`
	Links             []spanExtraLink  `json:"links"`
	DroppedAttributes uint32           `json:"dropped_attributes_count"`
	DroppedEvents     uint32           `json:"dropped_events_count"`
	DroppedLinks      uint32           `json:"dropped_links_count"`
	KeptProbability   float64          `json:"kept_probability"` // written when a day is thinned (store/thin)
}

type spanExtraEvent struct {
	TimeNanos         int64           `json:"time_unix_nano"`
	Name              string          `json:"name"`
	Attributes        json.RawMessage `json:"attributes"`
	DroppedAttributes uint32          `json:"dropped_attributes_count"`
}

type spanExtraLink struct {
	TraceID           plait.TraceID   `json:"trace_id"`
	SpanID            plait.SpanID    `json:"span_id"`
	TraceState        string          `json:"trace_state"`
	Attributes        json.RawMessage `json:"attributes"`
	DroppedAttributes uint32          `json:"dropped_attributes_count"`
	Flags             uint32          `json:"flags"`
}

// spanEntries are the dictionary entries of some spans.
type spanEntries struct {
	resources     map[int64]*plait.Resource
	operations    map[int64]dictionary.Operation
	scopes        map[int64]*plait.Scope
	attributeSets map[int64]plait.Attributes
}

func (s *Reader) spanEntries(ctx context.Context, rows []storedSpan) (e spanEntries, err error) {
	if e.resources, err = s.entries.Resources.Entries(ctx, dictionary.Column(rows, func(r *storedSpan) int64 { return r.resource })); err != nil {
		return e, fmt.Errorf("resources: %w", err)
	}
	if e.operations, err = s.entries.Operations.Entries(ctx, dictionary.Column(rows, func(r *storedSpan) int64 { return r.operation })); err != nil {
		return e, fmt.Errorf("operations: %w", err)
	}
	if e.scopes, err = s.entries.Scopes.Entries(ctx, e.scopeIDs); err != nil {
		return e, fmt.Errorf("scopes: %w", err)
	}
	if e.attributeSets, err = s.entries.AttributeSets.Entries(ctx, dictionary.Column(rows, func(r *storedSpan) int64 { return r.attributeSet })); err != nil {
		return e, fmt.Errorf("attribute sets: %w", err)
	}
	return e, nil
}

// scopeIDs yields the scopes of the operations.
func (e *spanEntries) scopeIDs(yield func(int64) bool) {
	for _, o := range e.operations {
		if !yield(o.Scope) {
			return
		}
	}
}

// decodeSpans turns rows into spans, in the same order.
func (s *Reader) decodeSpans(ctx context.Context, rows []storedSpan) ([]plait.Span, error) {
	entries, err := s.spanEntries(ctx, rows)
	if err != nil {
		return nil, err
	}
	spans := make([]plait.Span, len(rows))
	for i := range rows {
		if err := entries.decode(&spans[i], &rows[i]); err != nil {
			return nil, fmt.Errorf("decode span %s of trace %s: %w", spans[i].SpanID, spans[i].TraceID, err)
		}
	}
	return spans, nil
}

func (e *spanEntries) decode(span *plait.Span, row *storedSpan) error {
	return e.decodeParts(span, row, true, true)
}

// decodeFixed decodes all but the text of a row.
func (e *spanEntries) decodeFixed(span *plait.Span, row *storedSpan) {
	operation := e.operations[row.operation]
	start := row.startNanos()
	*span = plait.Span{
		TraceID:      row.traceID,
		SpanID:       plait.SpanIDFromInt64(row.spanID),
		ParentSpanID: plait.SpanIDFromInt64(row.parentID),
		StartNanos:   start,
		EndNanos:     start + row.duration,
		Resource:     e.resources[row.resource],
		Scope:        e.scopes[operation.Scope],
		Name:         operation.Name,
		Kind:         operation.Kind,
		Flags:        uint32(row.flags),
		Status:       plait.StatusCode(row.status),
	}
}

// DecodeExtra adds what few spans have, given as the column extra holds it.
func DecodeExtra(span *plait.Span, text string) error {
	if text == "" {
		return nil
	}
	var extra spanExtra
	if err := json.Unmarshal([]byte(text), &extra); err != nil {
		return fmt.Errorf("read extra: %w", err)
	}
	if extra.Name != nil {
		span.Name = *extra.Name
	}
	span.StatusMessage, span.TraceState, span.KeptProbability = extra.StatusMessage, extra.TraceState, extra.KeptProbability
	span.DroppedAttributes, span.DroppedEvents, span.DroppedLinks = extra.DroppedAttributes, extra.DroppedEvents, extra.DroppedLinks
	if len(extra.Events) > 0 {
		span.Events = make([]plait.Event, len(extra.Events))
	}
	for i, e := range extra.Events {
		attributes, err := canonical.ParseAttributes(string(e.Attributes))
		if err != nil {
			return fmt.Errorf("read event %d: %w", i, err)
		}
		span.Events[i] = plait.Event{TimeNanos: e.TimeNanos, Name: e.Name, Attributes: attributes, DroppedAttributes: e.DroppedAttributes}
	}
	if len(extra.Links) > 0 {
		span.Links = make([]plait.Link, len(extra.Links))
	}
	for i, l := range extra.Links {
		attributes, err := canonical.ParseAttributes(string(l.Attributes))
		if err != nil {
			return fmt.Errorf("read link %d: %w", i, err)
		}
		span.Links[i] = plait.Link{TraceID: l.TraceID, SpanID: l.SpanID, TraceState: l.TraceState,
			Attributes: attributes, DroppedAttributes: l.DroppedAttributes, Flags: l.Flags}
	}
	return nil
}

func (r *storedSpan) size() int { return search.RowBytes + len(r.attributes) + len(r.extra) }

// fittingSpans returns how many of some spans an answer has room for: at least one.
func fittingSpans(m *search.Memory, spans []plait.Span) int {
	return m.FittingOf(len(spans), func(i int, shared search.SharedSize) (own, repeated int) {
		return ownBytes(&spans[i]), shared.Of(spans[i].Resource, spans[i].Attributes, "")
	})
}

// ownBytes is what a span has beside its attributes.
func ownBytes(s *plait.Span) int {
	bytes := search.RowBytes + len(s.Name) + len(s.StatusMessage) + len(s.TraceState)
	for i := range s.Events {
		bytes += search.RowBytes + len(s.Events[i].Name) + rowcodec.WeighAttributes(s.Events[i].Attributes)
	}
	for i := range s.Links {
		bytes += search.RowBytes + len(s.Links[i].TraceState) + rowcodec.WeighAttributes(s.Links[i].Attributes)
	}
	return bytes
}
