package tracecontext

import (
	"slices"
	"strings"

	"github.com/plaithq/plait"
)

// maxQuoted bounds how much of a wrong input an error repeats.
const maxQuoted = 80

// Parse reads a trace id as a user types or pastes it: bare, as a header's value, as a whole
// header or log field with its name, quoted, or somewhere in a log line. It returns the
// likeliest reading. The error says what was expected and wraps plait.ErrInvalid.
func Parse(s string) (Context, error) {
	if all := ParseAll(s); len(all) > 0 {
		return all[0], nil
	}
	if id, _ := CutHexPrefix(trimPasted(s)); id != "" && strings.Trim(id, "0-") == "" {
		return Context{}, plait.Errorf(plait.ErrInvalid, "the all-zero trace id names no trace")
	}
	if len(s) > maxQuoted {
		s = strings.ToValidUTF8(s[:maxQuoted], "") + "…"
	}
	return Context{}, plait.Errorf(plait.ErrInvalid, "%q holds no trace id: want up to 32 hex digits, a decimal 64-bit id (Datadog), "+
		"or the value of traceparent, b3, uber-trace-id, X-Amzn-Trace-Id, X-Cloud-Trace-Context or Request-Id",
		s)
}

// ParseAll returns every plausible reading of s, the likeliest first, none when s holds no trace
// id. A name before the value decides. Without one, 16 or 32 digits that could be decimal are
// taken for hexadecimal first, other numbers of up to 20 digits for decimal first.
func ParseAll(s string) []Context {
	var all []Context
	add := func(c Context, ok bool) {
		if ok && !c.TraceID.IsZero() && !slices.Contains(all, c) {
			all = append(all, c)
		}
	}
	value := trimPasted(s)
	if at, named := cutName(value); at != nil {
		value = trimPasted(named)
		if at.span || at.upperHalf {
			return nil // a span id or half an id, and nothing else
		}
		add(at.read(value))
	}
	if digits, ok := CutHexPrefix(value); ok {
		var c Context
		ok = readHex(c.TraceID[:], digits)
		add(c, ok)
	}
	for _, read := range shapes {
		add(read(value, 1))
	}
	if len(all) == 0 {
		var f finder
		add(f.body(s))
	}
	return all
}

// trimPasted takes off what comes along when an id is copied out of JSON, a log or a table.
func trimPasted(s string) string {
	return strings.Trim(s, " \t\r\n\"'`,;<>()[]")
}

// cutName splits "name: value" or "name=value" where the name is a field's, and returns nil
// otherwise.
func cutName(s string) (*field, string) {
	i := strings.IndexAny(s, ":=")
	if i < 0 {
		return nil, s
	}
	at, _ := fieldNamed(objects{}, trimPasted(s[:i]))
	return at, s[i+1:]
}
