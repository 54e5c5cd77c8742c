package plait

// SpanKind is a span's kind, numbered as in OTLP.
type SpanKind uint8

// The span kinds.
const (
	SpanKindUnspecified SpanKind = iota
	SpanKindInternal
	SpanKindServer
	SpanKindClient
	SpanKindProducer
	SpanKindConsumer
)

var spanKindNames = [...]string{"unspecified", "internal", "server", "client", "producer", "consumer"}

// String returns the lower-case name, "unspecified" for kinds that OTLP does not define.
func (k SpanKind) String() string {
	if int(k) < len(spanKindNames) {
		return spanKindNames[k]
	}
	return spanKindNames[0]
}

// StatusCode is a span's status, numbered as in OTLP.
type StatusCode uint8

// The status codes.
const (
	StatusUnset StatusCode = iota
	StatusOK
	StatusError
)

var statusCodeNames = [...]string{"unset", "ok", "error"}

// String returns the lower-case name, "unset" for codes that OTLP does not define.
func (c StatusCode) String() string {
	if int(c) < len(statusCodeNames) {
		return statusCodeNames[c]
	}
	return statusCodeNames[0]
}

// Span is one operation of a trace, with every field of OTLP's Span.
//
// Times are nanoseconds since the Unix epoch; what lies outside the range of int64
// (years 1677 to 2262) is clamped to its ends by whoever decodes. EndNanos may lie before
// StartNanos: it is kept as it was sent.
type Span struct {
	TraceID      TraceID
	SpanID       SpanID
	ParentSpanID SpanID
	StartNanos   int64
	EndNanos     int64

	Resource *Resource // shared by the spans of a batch, never nil
	Scope    *Scope    // shared by the spans of a batch, never nil

	Name          string
	TraceState    string
	StatusMessage string
	Attributes    Attributes
	Events        []Event
	Links         []Link

	// KeptProbability is with which probability chance kept it when its day was thinned; 0 where nothing was left to chance.
	KeptProbability float64

	Flags             uint32 // W3C flags in the low 8 bits, OTLP's is_remote bits above
	DroppedAttributes uint32
	DroppedEvents     uint32
	DroppedLinks      uint32
	Kind              SpanKind
	Status            StatusCode
}

// DurationNanos is the time between start and end, negative for a span that ends
// before it starts.
func (s *Span) DurationNanos() int64 { return s.EndNanos - s.StartNanos }

// Event is a timed annotation of a span.
type Event struct {
	TimeNanos         int64
	Name              string
	Attributes        Attributes
	DroppedAttributes uint32
}

// Link points from a span to another one, of the same or another trace.
type Link struct {
	TraceID           TraceID
	SpanID            SpanID
	TraceState        string
	Attributes        Attributes
	DroppedAttributes uint32
	Flags             uint32
}

// Traces is what one request brings in spans. Strings and slices of it may alias the
// request's body: they are valid until the Write that takes it returns, and whoever
// keeps a part longer clones it.
type Traces struct {
	Spans  []Span
	Digest Digest
	// ForeignThresholds says that the thresholds in the spans' trace states are of a sampler that decides by something else
	// than the random bits of trace ids.
	ForeignThresholds bool
	// Refused is what the decoder left out of the request.
	Refused []Refusal
	// Repaired is what the decoder changed so that it could be kept.
	Repaired []Repair
}
