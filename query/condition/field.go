package condition

// Name is what a field is called, and says where its values stand.
type Name uint8

// The fields. Those of attributes need a key.
const (
	SpanName          Name = iota + 1
	SpanKind               // of TypeKind
	SpanStatus             // of TypeStatus
	SpanStatusMessage      //
	SpanDuration           // end less start in nanoseconds, as sent: negative where the end lies before
	SpanStart              //
	SpanParentID           // absent in a root
	EventName              // of each event
	EventSinceStart        // of each event: its time less the span's start
	LinkTraceID            // of each link
	LinkSpanID             // of each link

	TraceDuration    // latest end less earliest start
	TraceRootName    // empty while the root is not there
	TraceRootService // empty while the root is not there
	TraceStart       //
	TraceSpanCount   //
	TraceErrorCount  //
	TraceServices    // of each service

	LogTime           //
	LogObserved       // absent when unknown
	LogSeverity       // OTLP's number, absent when unknown
	LogSeverityText   // absent when empty
	LogLevel          // what Loki calls detected_level (see Level)
	LogBody           // the text of a string, and canonical JSON of all else
	LogEventName      // absent when empty
	LogTraceID        // absent when the record belongs to no trace
	LogSpanID         // absent when the record belongs to no span
	LogAttribute      //
	TraceID           // of a span or trace
	SpanID            // of a span
	Service           // of the resource, plait.ServiceUnknown where it has none
	ScopeName         // absent when empty
	ScopeVersion      // absent when empty
	SpanAttribute     //
	EventAttribute    // of each event
	LinkAttribute     // of each link
	ResourceAttribute //
	ScopeAttribute    //

	NestedSetLeft   // the numbers of Place
	NestedSetRight  //
	NestedSetParent //
	ChildCount      //
)

// Lookup is how an attribute's key is looked for.
type Lookup uint8

// The ways to look for a key.
const (
	// LookupExact takes the attribute with the key.
	LookupExact Lookup = iota
	// LookupDotted takes it too, and what stands in maps: order.id is also the member id of the map
	// order, and of each map in the list order. All that are found count.
	LookupDotted
	// LookupLabel takes the first attribute whose key reads as the label when each character but
	// letters, digits and _ is a _, as Loki and Prometheus name what OpenTelemetry sends. Members of
	// maps have the map's key and theirs with a _ between. Empty texts are absent.
	LookupLabel
)

// Field is what a Leaf looks at.
type Field struct {
	Name   Name
	Key    string // of an attribute
	Lookup Lookup // of the key
	// Path is a JSON Pointer (RFC 6901) into the value, if not empty: of an attribute that was looked
	// up exactly, or of a log record's body, whose text is then read as JSON if it is some.
	Path string
	// Parent takes the field from the span's parent. It is absent when there is no parent, and when
	// the parent is not known.
	Parent bool
}

// Attribute is the field of an attribute with a key.
func Attribute(in Name, key string) Field { return Field{Name: in, Key: key} }

// rows are the kinds of rows that a Name can be a field of.
type rows uint8

const (
	ofSpan rows = 1 << iota
	ofTrace
	ofLog
)

// nature is what is known of the values of a field before any is read.
type nature uint8

const (
	anyValue nature = iota
	aText
	aNumber   // of no unit
	aDuration // in nanoseconds
	aTime     // in nanoseconds since 1970
	aKind
	aStatus
	aTraceID
	aSpanID
)

type fieldFacts struct {
	text   string // as a Field's text has it
	of     rows
	always rows // whose rows always have one
	nature nature
	many   bool // a row may have several values
	keyed  bool // the field of an attribute
}

var fields = [...]fieldFacts{
	SpanName:          {text: "span:name", of: ofSpan, always: ofSpan, nature: aText},
	SpanKind:          {text: "span:kind", of: ofSpan, always: ofSpan, nature: aKind},
	SpanStatus:        {text: "span:status", of: ofSpan, always: ofSpan, nature: aStatus},
	SpanStatusMessage: {text: "span:statusMessage", of: ofSpan, always: ofSpan, nature: aText},
	SpanDuration:      {text: "span:duration", of: ofSpan, always: ofSpan, nature: aDuration},
	SpanStart:         {text: "span:start", of: ofSpan, always: ofSpan, nature: aTime},
	SpanParentID:      {text: "span:parentID", of: ofSpan, nature: aSpanID},
	EventName:         {text: "event:name", of: ofSpan, nature: aText, many: true},
	EventSinceStart:   {text: "event:timeSinceStart", of: ofSpan, nature: aDuration, many: true},
	LinkTraceID:       {text: "link:traceID", of: ofSpan, nature: aTraceID, many: true},
	LinkSpanID:        {text: "link:spanID", of: ofSpan, nature: aSpanID, many: true},
	TraceDuration:     {text: "trace:duration", of: ofSpan | ofTrace, always: ofTrace, nature: aDuration},
	TraceRootName:     {text: "trace:rootName", of: ofSpan | ofTrace, always: ofTrace, nature: aText},
	TraceRootService:  {text: "trace:rootService", of: ofSpan | ofTrace, always: ofTrace, nature: aText},
	TraceStart:        {text: "trace:start", of: ofSpan | ofTrace, always: ofTrace, nature: aTime},
	TraceSpanCount:    {text: "trace:spanCount", of: ofSpan | ofTrace, always: ofTrace, nature: aNumber},
	TraceErrorCount:   {text: "trace:errorCount", of: ofSpan | ofTrace, always: ofTrace, nature: aNumber},
	TraceServices:     {text: "trace:services", of: ofSpan | ofTrace, nature: aText, many: true},
	LogTime:           {text: "log:time", of: ofLog, always: ofLog, nature: aTime},
	LogObserved:       {text: "log:observed", of: ofLog, nature: aTime},
	LogSeverity:       {text: "log:severity", of: ofLog, nature: aNumber},
	LogSeverityText:   {text: "log:severityText", of: ofLog, nature: aText},
	LogLevel:          {text: "log:level", of: ofLog, always: ofLog, nature: aText},
	LogBody:           {text: "log:body", of: ofLog, always: ofLog, nature: aText},
	LogEventName:      {text: "log:eventName", of: ofLog, nature: aText},
	LogTraceID:        {text: "log:traceID", of: ofLog, nature: aTraceID},
	LogSpanID:         {text: "log:spanID", of: ofLog, nature: aSpanID},
	LogAttribute:      {text: "log", of: ofLog, many: true, keyed: true},
	TraceID:           {text: "trace:id", of: ofSpan | ofTrace, always: ofSpan | ofTrace, nature: aTraceID},
	SpanID:            {text: "span:id", of: ofSpan, always: ofSpan, nature: aSpanID},
	Service:           {text: "service", of: ofSpan | ofLog, always: ofSpan | ofLog, nature: aText},
	ScopeName:         {text: "instrumentation:name", of: ofSpan | ofLog, nature: aText},
	ScopeVersion:      {text: "instrumentation:version", of: ofSpan | ofLog, nature: aText},
	SpanAttribute:     {text: "span", of: ofSpan, many: true, keyed: true},
	EventAttribute:    {text: "event", of: ofSpan, many: true, keyed: true},
	LinkAttribute:     {text: "link", of: ofSpan, many: true, keyed: true},
	ResourceAttribute: {text: "resource", of: ofSpan | ofLog, many: true, keyed: true},
	ScopeAttribute:    {text: "instrumentation", of: ofSpan | ofLog, many: true, keyed: true},
	NestedSetLeft:     {text: "nestedSetLeft", of: ofSpan, nature: aNumber},
	NestedSetRight:    {text: "nestedSetRight", of: ofSpan, nature: aNumber},
	NestedSetParent:   {text: "nestedSetParent", of: ofSpan, nature: aNumber},
	ChildCount:        {text: "span:childCount", of: ofSpan, nature: aNumber},
}

// facts are those of a Name, of none where it is unknown.
func (n Name) facts() fieldFacts {
	if int(n) < len(fields) {
		return fields[n]
	}
	return fieldFacts{}
}

// Keyed says whether the field is of attributes and needs a key.
func (n Name) Keyed() bool { return n.facts().keyed }

// OfTrace says whether a span's field is one of its trace: all spans of the trace have the same.
func (n Name) OfTrace() bool { return n >= TraceDuration && n <= TraceServices }

// always says whether every row of a kind has a value.
func (f Field) always(in rows) bool {
	return !f.Parent && f.Path == "" && in != 0 && f.Name.facts().always&in == in
}

// single says that no row has two values of the field.
func (f Field) single() bool { return f.Path == "" && !f.Name.facts().many }

// nature is anyValue where a path leads into a value.
func (f Field) nature() nature {
	if f.Path != "" {
		return anyValue
	}
	return f.Name.facts().nature
}
