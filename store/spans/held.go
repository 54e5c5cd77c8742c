package spans

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/store/dictionary"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/search"
)

const (
	// idValues is from how many values on a key may be an id: it is one if it has a value for every second trace that has it.
	idValues = 10
	// mostValues bounds the values that are kept of a key.
	mostValues = 2_000
	// heldReach is how long before and after the requests their traces may have spans.
	heldReach = time.Hour
	// heldBytes is what a value takes, and heldTraceBytes what each trace that has it does.
	heldBytes, heldTraceBytes = 250, 8
)

const heldValuesSQL = `
SELECT trace_id, resource, attribute_set, attributes
FROM plait_store.span
WHERE trace_id = ANY ($3) AND ` + search.ShelvesSQL

// HeldValues returns which values of attributes the spans of traces have, those of their resources too. The range is when their
// requests start. It is bounded in bytes, and says so if that cut it short.
func (s *Reader) HeldValues(ctx context.Context, r plait.TimeRange, ids []plait.TraceID) (query.HeldValues, error) {
	h := &heldValues{store: s, place: make(map[plait.TraceID]int, len(ids)), keys: map[heldKey]*heldOfKey{}, memory: search.NewMemory(ctx)}
	asked := make([][16]byte, len(ids))
	for i, id := range ids {
		asked[i], h.place[id] = id, i
	}
	var rows []heldRow
	var bad error
	flush := func() {
		bad = h.add(ctx, rows)
		rows = rows[:0]
	}
	err := pg.QueryUntil(ctx, s.lookup, func(v [][]byte) bool {
		rows = append(rows, heldRow{h.place[plait.TraceID(v[0])], rowcodec.Int8(v[1]), rowcodec.Int8(v[2]), string(v[3])})
		if len(rows) >= heldAtOnce {
			flush()
		}
		return bad == nil && h.memory.Left()
	}, heldValuesSQL, r.From.Add(-heldReach), r.To.Add(heldReach), asked)
	if err == nil && bad == nil {
		flush()
	}
	if err == nil {
		err = bad
	}
	if err != nil {
		return query.HeldValues{}, fmt.Errorf("read the attributes of %d traces: %w", len(ids), err)
	}
	return h.answer(), nil
}

const heldAtOnce = 5_000

type heldRow struct {
	trace        int
	resource     int64
	attributeSet int64
	attributes   string
}

// heldKey is a key of spans' attributes, or of the resources of a service.
type heldKey struct{ key, service string }

// heldOfKey are the values of a key.
type heldOfKey struct {
	values map[plait.Value]*heldValue
	traces int // about how many have one
	over   bool
}

type heldValue struct {
	of     *heldOfKey
	traces []int
}

type heldValues struct {
	store  *Reader
	place  map[plait.TraceID]int
	keys   map[heldKey]*heldOfKey
	memory search.Memory
}

// add adds the attributes of rows.
func (h *heldValues) add(ctx context.Context, rows []heldRow) error {
	resources, err := h.store.entries.Resources.Entries(ctx, dictionary.Column(rows, func(r *heldRow) int64 { return r.resource }))
	if err != nil {
		return fmt.Errorf("resources: %w", err)
	}
	sets, err := h.store.entries.AttributeSets.Entries(ctx, dictionary.Column(rows, func(r *heldRow) int64 { return r.attributeSet }))
	if err != nil {
		return fmt.Errorf("attribute sets: %w", err)
	}
	ofResource, ofSet := map[int64][]*heldValue{}, map[int64][]*heldValue{}
	for i := range rows {
		row := &rows[i]
		values, ok := ofResource[row.resource]
		if !ok {
			resource := resources[row.resource]
			values = h.values(resource.Attributes, resource.Service())
			ofResource[row.resource] = values
		}
		h.hold(values, row.trace)
		if values, ok = ofSet[row.attributeSet]; !ok {
			values = h.values(sets[row.attributeSet], "")
			ofSet[row.attributeSet] = values
		}
		h.hold(values, row.trace)
		if row.attributes == "" {
			continue
		}
		own, err := rowcodec.JoinAttributes(nil, row.attributes)
		if err != nil {
			return err
		}
		h.hold(h.values(own, ""), row.trace)
	}
	return nil
}

// values are those of attributes, without those of keys that have too many.
func (h *heldValues) values(attributes plait.Attributes, service string) []*heldValue {
	values := make([]*heldValue, 0, len(attributes))
	for _, a := range attributes {
		of := h.keys[heldKey{a.Key, service}]
		if of == nil {
			of = &heldOfKey{values: map[plait.Value]*heldValue{}}
			h.keys[heldKey{a.Key, service}] = of
			h.memory.Take(heldBytes)
		}
		v := of.values[a.Value]
		if v == nil {
			v = &heldValue{of: of}
			if of.over = of.over || len(of.values) >= mostValues; of.over {
				clear(of.values)
			} else {
				of.values[a.Value] = v
				h.memory.Take(heldBytes + len(a.Value.Str()))
			}
		}
		values = append(values, v)
	}
	return values
}

// hold notes that a trace has values. Its spans come one after the other, mostly.
func (h *heldValues) hold(values []*heldValue, trace int) {
	for _, v := range values {
		if n := len(v.traces); (n == 0 || v.traces[n-1] != trace) && !v.of.over {
			v.traces = append(v.traces, trace)
			v.of.traces++
			h.memory.Take(heldTraceBytes)
		}
	}
}

func (h *heldValues) answer() query.HeldValues {
	answer := query.HeldValues{CutShort: !h.memory.Left()}
	for key, of := range h.keys {
		if of.over || len(of.values) >= idValues && 2*len(of.values) > of.traces {
			answer.IDs = append(answer.IDs, key.key)
			continue
		}
		for v, held := range of.values {
			slices.Sort(held.traces)
			answer.Values = append(answer.Values, query.HeldValue{Key: key.key, Value: valueText(v), Service: key.service, Traces: slices.Compact(held.traces)})
		}
	}
	slices.Sort(answer.IDs)
	answer.IDs = slices.Compact(answer.IDs)
	return answer
}

// valueText is a value as a reader knows it: a string as it is, anything else in JSON.
func valueText(v plait.Value) string {
	if v.Kind() == plait.KindString {
		return v.Str()
	}
	return string(v.AppendJSON(nil))
}
