package query

import (
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
)

// Rest says with what the requests in a box are compared.
type Rest uint8

// The rests.
const (
	SameOperations Rest = iota // requests of the same operations, in the window and outside the box
	AllOthers                  // all in the window and outside the box
	TimeBefore                 // requests of the same operations in the time before the window, for as long
)

// Compare asks for the requests in a box, and for others.
type Compare struct {
	Condition   condition.Node // on the spans that are requests in the box
	Others      condition.Node // on those that are the others
	Window, Box plait.TimeRange
	Least, Most time.Duration // what those in the box took; 0 does not bound
	Rest        Rest
	Limit       int // of each side
}

// Compared are both sides of a comparison. A trace is one request, by the first of its spans, and in the box if any of these is.
type Compared struct {
	Box, Others RequestSample
	// Slow and Failed say that half of those in the box took more than twice what is usual for their operation, or failed. Then those
	// of the others that did so are left out: they are other spikes.
	Slow, Failed bool
	// CutShort says that there was no time to look at all spans.
	CutShort bool
}

// RequestSample is some requests.
type RequestSample struct {
	Range    plait.TimeRange // in which they were looked for
	Requests []Request       // where there are more than wanted: drawn by lot, or those that exceed the usual most where the box is slow
	Total    int64           // how many there are, about as many where not all were looked at
	OneIn    int64           // one in so many was looked at
}

// Request is a span that is one.
type Request struct {
	TraceID    plait.TraceID
	Operation  int64 // tells operations apart
	StartNanos int64
	Nanos      int64 // what it took
	Usual      int64 // the median of its operation before the box, 0 where that is not known
	Failed     bool
}

// HeldValue is a value of an attribute that spans of some traces have.
type HeldValue struct {
	Key, Value string
	Service    string // of the resource whose attribute it is, empty for a span's own
	Traces     []int  // the places of those traces in the list that was asked for, ascending
}

// HeldValues are the values of attributes that spans of some traces have.
type HeldValues struct {
	Values []HeldValue
	// IDs are keys that were left out: they have another value in nearly each trace.
	IDs []string
	// CutShort says that there was no room for all.
	CutShort bool
}

// HeldTemplate is a template of log records that some traces have.
type HeldTemplate struct {
	Template string // with TemplateMark for each run of digits
	Severity plait.SeverityNumber
	Service  string
	Traces   []int
}
