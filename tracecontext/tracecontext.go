// Package tracecontext knows every spelling of a trace id: how each tracing ecosystem
// writes it in headers, log fields and text (one file per ecosystem), how to read what a
// user types or pastes (Parse), and where to look in a log record that came without ids
// (FromLog).
//
// The doors of ingest call FromLog, the API, the command line and the search box call
// Parse. The package never looks anything up: whether an id exists is for the store to say.
package tracecontext

import "github.com/plaithq/plait"

// Context is what one spelling tells: a trace and, where the spelling has them, a span of
// it and the sampling decision. It is comparable.
type Context struct {
	TraceID plait.TraceID
	SpanID  plait.SpanID // zero when the spelling names no span
	Sampled Sampling
}

// Bits64 says that only the lower half of the trace id is known, as 64-bit tracers write it.
// Readers match such an id with the trace whose lower half it is.
func (c Context) Bits64() bool { return [8]byte(c.TraceID[:8]) == [8]byte{} }

// Sampling is a sampling decision as it travels with a trace id.
type Sampling uint8

// The decisions.
const (
	SamplingUnknown Sampling = iota
	NotSampled
	Sampled
)
