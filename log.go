package plait

// LogRecord is one log record with every field of OTLP's LogRecord. A log line is what
// a user sees of it.
type LogRecord struct {
	// ID names the stored record; empty until it is stored (spec section 8, pivot/log).
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

// SeverityNumber is OTLP's severity, 1 (TRACE) to 24 (FATAL4), 0 when unknown
// (https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber).
type SeverityNumber uint8

var severityNames = [...]string{"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"}

// String returns the name of the severity's range, for example "WARN" for 13 to 16, and
// the empty string when it is unknown.
func (n SeverityNumber) String() string {
	if n < 1 || n > 24 {
		return ""
	}
	return severityNames[(n-1)/4]
}

// severityTexts are the names that logging libraries and syslog give to severities, in lower case,
// as OpenTelemetry's data model maps them.
var severityTexts = map[string]SeverityNumber{
	"trace": 1, "verbose": 1, "finest": 1,
	"debug": 5, "fine": 5,
	"info": 9, "information": 9, "informational": 9, "notice": 10,
	"warn": 13, "warning": 13,
	"error": 17, "err": 17, "severe": 17, "alert": 19,
	"fatal": 21, "critical": 21, "crit": 21, "emergency": 21, "emerg": 21, "panic": 21,
}

// ParseSeverity returns the number of a severity that is given by name, in any case, and 0 when the
// name is none that is known.
func ParseSeverity(text string) SeverityNumber {
	var lower [13]byte // as the longest name
	if len(text) > len(lower) {
		return 0
	}
	for i := range len(text) {
		c := text[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		lower[i] = c
	}
	return severityTexts[string(lower[:len(text)])]
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
