package traceql

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Scope is where an attribute stands.
type Scope uint8

// The scopes. What is no attribute is an intrinsic.
const (
	ScopeAny       Scope = iota // of the span, or of the resource where the span has none
	ScopeSpan                   //
	ScopeResource               //
	ScopeEvent                  // of any event of the span
	ScopeLink                   // of any link of the span
	ScopeScope                  // of the instrumentation scope
	ScopeIntrinsic              // Name is the intrinsic, as it was spelled
)

// scopePrefixes are what stands before the dot, by scope.
var scopePrefixes = [...]string{
	ScopeAny: "", ScopeSpan: "span", ScopeResource: "resource", ScopeEvent: "event", ScopeLink: "link", ScopeScope: "instrumentation",
}

// Field is an attribute or an intrinsic. Fields compare with ==.
type Field struct {
	Scope  Scope
	Name   string // the attribute's key, or the intrinsic's spelling: duration and span:duration stay apart
	Parent bool   // asks the span's parent
}

func (Field) expression() {}

// Intrinsic is what a span or its trace has beside attributes.
type Intrinsic uint8

// The intrinsics. Several spellings may mean one.
const (
	NoIntrinsic Intrinsic = iota // of a field that is an attribute
	Name
	Status
	StatusMessage
	Kind
	Duration
	SpanID
	ParentID
	ParentSpan // the parent itself, which is there or not
	ChildCount
	NestedSetLeft
	NestedSetRight
	NestedSetParent
	RootName
	RootService
	TraceDuration
	TraceID
	EventName
	EventSinceStart
	LinkTraceID
	LinkSpanID
	ScopeName
	ScopeVersion
)

var intrinsics = map[string]Intrinsic{
	"name": Name, "span:name": Name,
	"status": Status, "span:status": Status,
	"statusMessage": StatusMessage, "span:statusMessage": StatusMessage,
	"kind": Kind, "span:kind": Kind,
	"duration": Duration, "span:duration": Duration,
	"span:id": SpanID, "span:parentID": ParentID, "span:childCount": ChildCount, "parent": ParentSpan,
	"nestedSetLeft": NestedSetLeft, "nestedSetRight": NestedSetRight, "nestedSetParent": NestedSetParent,
	"rootName": RootName, "trace:rootName": RootName,
	"rootServiceName": RootService, "trace:rootService": RootService,
	"traceDuration": TraceDuration, "trace:duration": TraceDuration, "trace:id": TraceID,
	"event:name": EventName, "event:timeSinceStart": EventSinceStart,
	"link:traceID": LinkTraceID, "link:spanID": LinkSpanID,
	"instrumentation:name": ScopeName, "instrumentation:version": ScopeVersion,
}

// Intrinsic tells what an intrinsic's spelling means.
func (f Field) Intrinsic() Intrinsic {
	if f.Scope != ScopeIntrinsic {
		return NoIntrinsic
	}
	return intrinsics[f.Name]
}

// Type is the type of the field's values, TypeAny for attributes.
func (f Field) Type() Type {
	switch f.Intrinsic() {
	case NoIntrinsic:
		return TypeAny
	case Status:
		return TypeStatus
	case Kind:
		return TypeKind
	case Duration, TraceDuration, EventSinceStart:
		return TypeDuration
	case ChildCount, NestedSetLeft, NestedSetRight, NestedSetParent:
		return TypeInt
	case ParentSpan:
		return TypeNil
	}
	return TypeString
}

// String is the field as queries spell it, with its name in quotes where that is needed.
func (f Field) String() string {
	if f.Scope == ScopeIntrinsic {
		return f.Name
	}
	text := scopePrefixes[f.Scope] + "." + quoteName(f.Name)
	switch {
	case f.Parent && f.Scope == ScopeAny:
		return "parent" + text
	case f.Parent:
		return "parent." + text
	}
	return text
}

// ends are the characters that end a name without quotes. White space does too.
const ends = "{}()=~!<>&|^,"

func endsName(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(ends, r) }

func quoteName(name string) string {
	plain := name != "" && utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool {
		return endsName(r) || r == '"' || r == '\\'
	})
	// .5 is a number, and parent.span.x an attribute x
	if plain && (name[0] < '0' || name[0] > '9') && !beginsLikeScope(name) {
		return name
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
}

func beginsLikeScope(name string) bool {
	return strings.HasPrefix(name, "span.") || strings.HasPrefix(name, "resource.")
}

// quotedPart reads a text in quotes as names have it, in which only \" and \\ are escapes.
func quotedPart(text string) (part string, length int, ok bool) {
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return b.String(), i + 1, true
		case c == '\\' && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\'):
			i++
			b.WriteByte(text[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", 0, false
}
