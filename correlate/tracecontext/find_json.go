package tracecontext

import "strings"

// maxDepth is how deep objects are looked into. Ids stand at the top or in an object such as
// dd, trace or context.
const maxDepth = 3

// A look says what is looked for in the members of an object. (It is no function: the finder
// would escape to the heap through one.)
type look uint8

const (
	lookForFields look = iota // members whose name is a field's
	lookIntoTexts             // ids in the members' texts, such as the message
)

// member takes a member that is no object or array, its escapes included.
func (f *finder) member(look look, in objects, name, value string) {
	if look == lookIntoTexts {
		f.text(value)
	} else if at := fieldNamed(in, name); at != nil {
		f.add(at, unescaped(value))
	}
}

// unescaped undoes the only escape that JSON writers put into ids.
func unescaped(s string) string { return strings.ReplaceAll(s, `\/`, "/") }

// object looks at the members of the JSON object in s, which is the value of a member called
// parent. Log lines are cut short: what stood before the cut counts, and the answer is
// whether the object was whole.
func (f *finder) object(s, parent string, look look) bool {
	j := jsonText{s: s}
	return j.next() == '{' && f.members(&j, objects{inner: parent}, 1, look)
}

func (f *finder) members(j *jsonText, in objects, depth int, look look) bool {
	for {
		switch j.next() {
		case ',':
			continue
		case '}':
			return true
		case '"':
		default:
			return false
		}
		name, ok := j.text()
		if !ok || j.next() != ':' {
			return false
		}
		switch c := j.next(); {
		case c == '{' && depth < maxDepth && !namesOther(name):
			ok = f.members(j, objects{outer: in.inner, inner: name}, depth+1, look)
		case c == '{':
			ok = j.skip()
		case c == '[':
			if look == lookForFields {
				if at := fieldNamed(in, name); at != nil && at.header {
					f.list(j, at)
				}
			}
			ok = j.skip()
		case c == '"':
			var value string
			if value, ok = j.text(); ok {
				f.member(look, in, name, value)
			}
		default:
			f.member(look, in, name, j.bare())
		}
		if !ok {
			return false
		}
	}
}

// list reads the first value of a header whose opening bracket is consumed. Servers use the first
// as well. Lists under names that are no header's are of several traces' ids.
func (f *finder) list(j *jsonText, at *field) {
	start := j.at
	if j.next() != '"' {
		j.at = start
	} else if value, ok := j.text(); ok {
		f.add(at, unescaped(value))
	}
}

// jsonText reads JSON from front to back.
type jsonText struct {
	s  string
	at int
}

// next consumes white space and the byte behind it, 0 at the end.
func (j *jsonText) next() byte {
	for j.at < len(j.s) {
		c := j.s[j.at]
		j.at++
		if c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c
		}
	}
	return 0
}

// text consumes a string whose opening quote is consumed, and returns it with its escapes.
func (j *jsonText) text() (string, bool) {
	start := j.at
	for {
		i := strings.IndexByte(j.s[j.at:], '"')
		if i < 0 {
			j.at = len(j.s)
			return "", false
		}
		quote := j.at + i
		j.at = quote + 1
		escapes := quote
		for escapes > start && j.s[escapes-1] == '\\' {
			escapes--
		}
		if (quote-escapes)%2 == 0 {
			return j.s[start:quote], true
		}
	}
}

// bare consumes the rest of a number, true, false or null, whose first byte is consumed.
func (j *jsonText) bare() string {
	start := max(j.at-1, 0)
	for j.at < len(j.s) && strings.IndexByte(",}] \n\t\r", j.s[j.at]) < 0 {
		j.at++
	}
	return j.s[start:j.at]
}

// skip consumes an object or array whose opening bracket is consumed.
func (j *jsonText) skip() bool {
	for depth := 1; depth > 0; {
		switch j.next() {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			if _, ok := j.text(); !ok {
				return false
			}
		case 0:
			return false
		}
	}
	return true
}
