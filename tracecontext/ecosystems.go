package tracecontext

// An ecosystem is one tracing system's way with ids.
type ecosystem struct {
	name   string
	fields []field
	spell  func(Context) []Spelling
}

// A field is a name under which an ecosystem writes an id or a header.
type field struct {
	name string
	// read takes the whole value. It sets the trace id, the span id or both.
	read func(string) (Context, bool)
	// header says that the name is a header's: values may have inner punctuation, which matters
	// where they end in text, and may be the only one of a list, as HTTP libraries keep them.
	header bool
	// upperHalf says that the value is the upper half of an id whose lower half stands elsewhere.
	upperHalf bool
	// fallback says that the span id counts only where no other is named.
	fallback bool
	// beside says that the name is too general to be believed but beside a trace id of the same
	// ecosystem, and in no object.
	beside bool
	// dotted says that some ecosystem writes the name with a dot in it.
	dotted bool
	// span says that the name is a span's: read sets no trace id.
	span bool
	// owner is the ecosystem's place in ecosystems.
	owner int
}

// ecosystems are in order of trust: where a record names several traces of the same width,
// the earlier ecosystem wins.
var ecosystems = [...]ecosystem{w3c, b3, jaeger, xray, gcp, azure, elastic, honeycomb, dynatrace, datadog}

// Spelling is how one ecosystem writes a trace or span id.
type Spelling struct {
	Ecosystem string
	Name      string // of the header or log field
	Value     string
}

// Spellings returns how each ecosystem writes the ids of c. Datadog knows only the lower half
// of the trace id and names the upper half apart; span ids and the headers that need one are
// left out when c has none.
func Spellings(c Context) []Spelling {
	var all []Spelling
	for i := range ecosystems {
		for _, s := range ecosystems[i].spell(c) {
			s.Ecosystem = ecosystems[i].name
			all = append(all, s)
		}
	}
	return all
}
