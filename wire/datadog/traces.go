// Package datadog reads the traces that Datadog's tracers send to their agent, in formats 0.3, 0.4, 0.5 and 0.7, into
// Plait's vocabulary. It is pure.
package datadog

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"strings"
	"unsafe"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/batch"
)

// Tracer is what tells of the sender beside the spans. Empty fields are unknown.
type Tracer struct {
	Language, Version string
	ContainerID       string
	// DroppedTraces says that the tracer kept traces to itself that its sampler rejected. Tracers send those along unless
	// an agent asks them not to; the share that was kept tells of nothing left out then.
	DroppedTraces bool
	// of format 0.7, which has them in the body
	env, version, host, instance string
}

// Decode reads a request of formats 0.3 and 0.4 in MessagePack: a list of traces, which are lists of spans. Spans may
// alias the body. A span that cannot be read is left out and told in Refused. Memory for them is asked for of claim,
// whose error ends the decoding; claim may be nil. Other errors wrap plait.ErrInvalid.
//
// A span has the lower half of its trace's id. The upper half is told by one span of the trace, which may be any, and is
// given to all spans of the request that have the same lower half.
func Decode(body []byte, sender Tracer, claim func(bytes int64) error) (*plait.Traces, error) {
	d := newDecoder(sender, claim)
	r := readerOf(body)
	for n := r.list(); r.next(&n); {
		if err := d.trace(&r, (*spanReader).span); err != nil {
			return nil, err
		}
	}
	return d.result(&r)
}

// DecodeIndexed is Decode for format 0.5, in which texts are indexes into a list of strings that comes first.
func DecodeIndexed(body []byte, sender Tracer, claim func(bytes int64) error) (*plait.Traces, error) {
	d := newDecoder(sender, claim)
	r := readerOf(body)
	if n := r.list(); n != 2 {
		r.fail("a list of %d, want strings and traces", n)
	}
	n := r.list()
	if err := d.Take(n * int(unsafe.Sizeof(""))); err != nil {
		return nil, err
	}
	texts := make([]string, n)
	for i := range texts {
		texts[i] = r.text()
	}
	for n := r.list(); r.next(&n); {
		if err := d.trace(&r, func(s *spanReader) span { return s.indexed(texts) }); err != nil {
			return nil, err
		}
	}
	return d.result(&r)
}

// decoder gathers a request.
type decoder struct {
	*batch.Spans
	sender Tracer
	scope  *plait.Scope
	highs  map[uint64]uint64 // the upper halves of ids, by the lower ones
	index  int               // of the span that is read
}

func newDecoder(sender Tracer, claim func(int64) error) decoder {
	return decoder{Spans: batch.New(claim), sender: sender, scope: &plait.Scope{}, highs: map[uint64]uint64{}}
}

// trace reads a trace. The error is the claim's.
func (d *decoder) trace(r *reader, read func(*spanReader) span) error {
	first := len(d.Gathered())
	for n := r.list(); r.next(&n); {
		// What is wrong within a span is that span's alone.
		one := spanReader{reader: r.skip(), memory: d.Take}
		if r.err != nil {
			return nil //nolint:nilerr // result has it
		}
		s := read(&one)
		if one.refused != nil {
			return one.refused
		}
		if err := d.take(&s, one.err); err != nil {
			return err
		}
	}
	return d.sampled(d.Gathered()[first:])
}

// sampled says of all spans of a trace what one of them tells of its sampler. The error is the claim's.
func (d *decoder) sampled(spans []plait.Span) error {
	priority, told := priorityOf(spans)
	for i := range spans {
		if priority > 0 {
			spans[i].Flags |= 1 // W3C's, for a trace that is kept
		}
	}
	// A trace that the sampler rejected stands for itself, and so do all where such traces come along.
	if told && priority <= 0 || !d.sender.DroppedTraces {
		return nil
	}
	state := traceState(spans)
	for i := range spans {
		spans[i].TraceState = state
	}
	return d.Take(len(state))
}

// take adds a span, or refuses it for what was wrong with it.
func (d *decoder) take(s *span, problem error) error {
	index := d.index
	d.index++
	if problem != nil {
		d.Refuse(func() string { return fmt.Sprintf("span %d (%.64q): %v", index, s.name, problem) })
		return nil //nolint:nilerr // the sender is told by Refused
	}
	if high, ok := s.high(); ok {
		if err := d.learn(s.traceID, high); err != nil {
			return err
		}
	}
	out := s.plait()
	var err error
	if out.Resource, err = d.resource(s); err != nil {
		return err
	}
	out.Scope = d.scope
	return d.Add(&out, 0)
}

// learn keeps the upper half of an id.
func (d *decoder) learn(low, high uint64) error {
	if _, known := d.highs[low]; known {
		return nil
	}
	d.highs[low] = high
	return d.Take(4 * int(unsafe.Sizeof(low)))
}

// resource is that of spans of a service, whose environment, version and process are in each span.
func (d *decoder) resource(s *span) (*plait.Resource, error) {
	env, version := cmp.Or(s.text(keyEnv), d.sender.env), cmp.Or(s.text(keyVersion), d.sender.version)
	instance := cmp.Or(s.text(keyRuntime), d.sender.instance)
	return d.Resource(strings.Join([]string{s.service, env, version, instance}, "\x00"), func() plait.Attributes {
		var out plait.Attributes
		for _, a := range []struct{ key, value string }{
			{attributeService, s.service}, {attributeEnvironment, env}, {attributeVersion, version},
			{attributeInstance, instance}, {attributeHost, d.sender.host}, {attributeContainer, d.sender.ContainerID},
			{attributeSDK, "datadog"}, {attributeLanguage, language(d.sender.Language)}, {attributeSDKVersion, d.sender.Version},
		} {
			if a.value != "" {
				out = append(out, plait.Attribute{Key: a.key, Value: plait.StringValue(a.value)})
			}
		}
		return out
	})
}

// result ends the request: by now the upper halves of all ids are known that the request tells.
func (d *decoder) result(r *reader) (*plait.Traces, error) {
	if r.err == nil && len(r.rest) > 0 {
		r.fail("the body has ended, and more follows")
	}
	if r.err != nil {
		return nil, fmt.Errorf("read Datadog's traces: %w", r.err)
	}
	spans := d.Gathered()
	for i := range spans {
		id := &spans[i].TraceID
		if binary.BigEndian.Uint64(id[:8]) == 0 {
			binary.BigEndian.PutUint64(id[:8], d.highs[id.Low()])
		}
	}
	traces, err := d.Result()
	if err != nil {
		return nil, err
	}
	traces.ForeignThresholds = true // Datadog's samplers decide by products of ids
	return traces, nil
}

// language is as OpenTelemetry spells the languages that Datadog spells otherwise.
func language(name string) string {
	switch name := strings.ToLower(name); name {
	case "javascript", "node":
		return "nodejs"
	case ".net":
		return "dotnet"
	default:
		return name
	}
}
