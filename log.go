package plait

// LogRecord is one log record with every field of OTLP's LogRecord. A log line is what
// a user sees of it.
type LogRecord struct {
	// ID names the stored record; empty until it is stored; it asks for the record at /api/v1/pivot/log.
	ID string

	TraceID       TraceID // zero when the record belongs to no trace
	SpanID        SpanID
	TimeNanos     int64 // when it happened; whoever cleans fills it from the observed or arrival time when absent
	ObservedNanos int64 // when a collector saw it, 0 when unknown

	Resource *Resource // shared by the records of a batch, never nil
	Scope    *Scope    // shared by the records of a batch, never nil

	Body         Value
	SeverityText string
	EventName    string
	Attributes   Attributes

	Severity          SeverityNumber
	DroppedAttributes uint32
	Flags             uint32
}

// Logs is what one request brings in log records. Aliasing is as for Traces.
type Logs struct {
	Records []LogRecord
	Digest  Digest
	// Refused is what the decoder left out of the request.
	Refused []Refusal
	// Repaired is what the decoder changed so that it could be kept.
	Repaired []Repair
}
