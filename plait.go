// Package plait is the vocabulary of Plait, the log-trace-metric correlation
// gateway: spans, log records, series, exemplars and the ids that join them.
//
// Every other package speaks in these types and none of them is repeated
// elsewhere. The package imports the standard library only and does no input or
// output.
package plait

// ServiceUnknown is the service of telemetry whose resource has no service.name,
// spelled as OpenTelemetry's resource conventions spell it.
const ServiceUnknown = "unknown_service"

// Resource is the entity that produced telemetry, with its OTLP attributes.
type Resource struct {
	Attributes        Attributes
	DroppedAttributes uint32
	SchemaURL         string
}

// Service returns the resource's service.name, or ServiceUnknown.
func (r *Resource) Service() string {
	if r == nil {
		return ServiceUnknown
	}
	if v, ok := r.Attributes.Get("service.name"); ok && v.Kind() == KindString && v.Str() != "" {
		return v.Str()
	}
	return ServiceUnknown
}

// Scope is the instrumentation scope that produced telemetry.
type Scope struct {
	Name              string
	Version           string
	Attributes        Attributes
	DroppedAttributes uint32
	SchemaURL         string
}

// Digest is the 128-bit hash of a request's bytes after decompression. A sender that
// retries sends the same bytes, so equal digests within an hour are one request
// (docs/decisions/016-digests-for-an-hour.md). The zero digest turns the check off.
type Digest [16]byte

// Receipt is what a writer tells about a batch that is committed.
type Receipt struct {
	// Duplicate says that the same request was committed before and that nothing
	// of this batch was stored again.
	Duplicate bool
	// Refused says what was left out, the rest being stored: series beyond a limit.
	Refused []Refusal
}
