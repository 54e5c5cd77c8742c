// Package batch gathers the spans of one request. The decoders of formats other than OTLP make spans one by one
// and hand them over; what they have in common is here: the memory that is asked for, the resources and scopes that
// spans share, and what is told of spans that are left out.
package batch

import (
	"unsafe"

	"github.com/plaithq/plait"
)

const (
	// claimStep is how much memory is asked for at once, in bytes.
	claimStep = 64 << 10
	// maxReasons bounds the refusals whose reasons are kept.
	maxReasons = 16
)

// otherSpans is what is told of the spans beyond maxReasons.
const otherSpans = "further spans that cannot be taken"

// Spans is what has been gathered of a request. New makes it.
type Spans struct {
	claim     func(bytes int64) error
	taken     int64 // that was not asked for yet
	traces    plait.Traces
	resources map[string]*plait.Resource
	scopes    map[[2]string]*plait.Scope // by name and version
}

// New begins a request. Memory is asked for of claim, whose error ends the decoding; claim may be nil.
func New(claim func(bytes int64) error) *Spans {
	return &Spans{claim: claim, resources: map[string]*plait.Resource{}, scopes: map[[2]string]*plait.Scope{}}
}

// Text is a body as a string that aliases it.
func Text(body []byte) string { return unsafe.String(unsafe.SliceData(body), len(body)) }

// Take asks for memory. Most calls only add up what is asked for later.
func (b *Spans) Take(bytes int) error {
	if b.taken += int64(bytes); b.taken < claimStep {
		return nil
	}
	return b.ask()
}

func (b *Spans) ask() error {
	taken := b.taken
	b.taken = 0
	if b.claim == nil || taken == 0 {
		return nil
	}
	return b.claim(taken)
}

// Add appends a span and asks for the memory of it, and of made bytes of strings that do not alias the body.
func (b *Spans) Add(s *plait.Span, made int) error {
	// Twice, since lists grow by copying.
	size := 2*int(unsafe.Sizeof(*s)) + weight(s.Attributes) + cap(s.Events)*int(unsafe.Sizeof(plait.Event{})) + cap(s.Links)*int(unsafe.Sizeof(plait.Link{})) + made
	for i := range s.Events {
		size += weight(s.Events[i].Attributes)
	}
	for i := range s.Links {
		size += weight(s.Links[i].Attributes)
	}
	b.traces.Spans = append(b.traces.Spans, *s)
	return b.Take(size)
}

// Gathered are the spans so far. They may be changed until Result.
func (b *Spans) Gathered() []plait.Span { return b.traces.Spans }

func weight(a plait.Attributes) int { return cap(a) * int(unsafe.Sizeof(plait.Attribute{})) }

// Refuse notes that a span is left out, and why. reason is asked for the first few only: a request may bring millions.
func (b *Spans) Refuse(reason func() string) {
	refused := &b.traces.Refused
	switch n := len(*refused); {
	case n < maxReasons:
		*refused = append(*refused, plait.Refusal{Count: 1, Reason: reason()})
	case n == maxReasons:
		*refused = append(*refused, plait.Refusal{Count: 1, Reason: otherSpans})
	default:
		(*refused)[maxReasons].Count++
	}
}

// Resource returns the resource of the spans with a key. The attributes are asked for once for each key.
func (b *Spans) Resource(key string, attributes func() plait.Attributes) (*plait.Resource, error) {
	if r, ok := b.resources[key]; ok {
		return r, nil
	}
	r := &plait.Resource{Attributes: attributes()}
	b.resources[key] = r
	return r, b.Take(2*(len(key)+int(unsafe.Sizeof(key))) + int(unsafe.Sizeof(*r)) + weight(r.Attributes))
}

// Scope returns the scope of the spans with a name and a version.
func (b *Spans) Scope(name, version string) (*plait.Scope, error) {
	key := [2]string{name, version}
	if s, ok := b.scopes[key]; ok {
		return s, nil
	}
	s := &plait.Scope{Name: name, Version: version}
	b.scopes[key] = s
	return s, b.Take(2*int(unsafe.Sizeof(key)) + int(unsafe.Sizeof(*s)))
}

// Result ends the request. Its error is that of the claim, or plait.ErrInvalid where none of the spans
// could be taken.
func (b *Spans) Result() (*plait.Traces, error) {
	if err := b.ask(); err != nil {
		return nil, err
	}
	if len(b.traces.Spans) == 0 && len(b.traces.Refused) > 0 {
		return nil, plait.Errorf(plait.ErrInvalid, "no span could be read: %s", b.traces.Refused[0].Reason)
	}
	return &b.traces, nil
}
