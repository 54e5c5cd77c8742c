package tracecontext

import "strings"

// How ids are found in text. Every log record without ids comes through here, and most hold
// none, so what matters is to know that soon:
//
//  1. An id shows as a run of at least minRun hexadecimal digits (of every 64-bit number but one
//     in billions). Such a run covers a multiple of minRun, so only every eighth byte is looked at.
//  2. A run that is found is widened to the token around it, for spellings with punctuation.
//  3. The name is what stands before the token, behind = : quotes, brackets and spaces. If it is
//     a field's, the field reads the token.
//  4. A token without a field's name counts only if its form leaves no doubt.
const (
	minRun = 8
	// maxHeader bounds how far a header's value reaches.
	maxHeader = 256
	// maxGap is how many separators may stand between a name and its value.
	maxGap = 8
)

// text looks for ids in a log line.
func (f *finder) text(s string) {
	s = withoutColours(s)
	done := 0
	for i := minRun - 1; i < len(s); {
		if !isHex(s[i]) {
			i += minRun
			continue
		}
		start, end := i, i+1
		for start > done && isHex(s[start-1]) {
			start--
		}
		for end < len(s) && isHex(s[end]) {
			end++
		}
		if end-start >= minRun {
			end = f.token(s, done, start, end)
			done = end
		}
		i = end + minRun
	}
}

// token looks at the token around the run s[start:end], not before s[done], and returns where
// it ends.
func (f *finder) token(s string, done, start, end int) int {
	for start > done && inToken[s[start-1]] {
		start--
	}
	for end < len(s) && inToken[s[end]] {
		end++
	}
	value := strings.TrimRight(s[start:end], "./-_|%@")
	name := nameBefore(s, start)
	at, _ := fieldNamed(objects{}, name)
	if at == nil && strings.EqualFold(name, "value") {
		// XML layouts have the name in an attribute before: name="traceId" value="…".
		at, _ = fieldNamed(objects{}, nameBefore(s, strings.LastIndex(s[:start], name)))
	}
	if at == nil {
		f.unnamed(s, start, value, name)
		return end
	}
	if at.header {
		header := headerAt(s[start:])
		if f.add(at, header) {
			return start + len(header)
		}
	}
	f.add(at, value)
	return end
}

// inToken marks what stands inside of ids, paths and names.
var inToken = func() (t [256]bool) {
	for c := range t {
		t[c] = 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
			strings.IndexByte("-_/|.%@", byte(c)) >= 0
	}
	return t
}()

// headerAt cuts a header's value off the text that follows it.
func headerAt(s string) string {
	s = s[:min(len(s), maxHeader)]
	if i := strings.IndexAny(s, " \t\r\n\"'`\\,)]}"); i >= 0 {
		s = s[:i]
	}
	return strings.TrimRight(s, ";:")
}

// nameBefore returns the name of the value that starts at s[at], empty when there is none. The two
// words of "Trace ID" are one name, and those of Lambda's "XRAY TraceId".
func nameBefore(s string, at int) string {
	end := at
	for end > 0 && at-end < maxGap && strings.IndexByte("=: \t\"'`\\[(<>", s[end-1]) >= 0 {
		end--
	}
	if end == at {
		return ""
	}
	start := end
	for start > 0 && end-start < maxName && (inToken[s[start-1]]) {
		start--
	}
	if strings.EqualFold(s[start:end], "id") && start > 0 && s[start-1] == ' ' {
		for start--; start > 0 && end-start < maxName && inToken[s[start-1]]; {
			start--
		}
	}
	// Texts out of JSON have the white space before a name as an escape: \ttrace_id.
	if start > 0 && s[start-1] == '\\' && start < end && strings.IndexByte("tnr", s[start]) >= 0 {
		if at, _ := fieldNamed(objects{}, s[start:end]); at == nil {
			start++
		}
	}
	if strings.EqualFold(s[start:end], "TraceId") && strings.HasSuffix(s[:start], "XRAY ") {
		start -= len("XRAY ")
	}
	return s[start:end]
}

// The fields of spellings that need no name.
var (
	unnamedXRay        = unnamedField("AWS-XRAY-TRACE-ID")
	unnamedTraceparent = unnamedField("traceparent")
	unnamedGCP         = unnamedField("logging.googleapis.com/trace")
	unnamedB3          = unnamedField("b3")
	unnamedNewRelic    = unnamedField("trace.id")
)

func unnamedField(name string) *field {
	f, _ := fieldNamed(objects{}, name)
	return f
}

// unnamed looks at a token that no field's name introduces.
func (f *finder) unnamed(s string, start int, value, name string) {
	switch {
	case strings.HasPrefix(value, "1-"):
		// Load balancers write Self for the request's own id, beside Root.
		if !strings.EqualFold(name, "Self") {
			f.add(unnamedXRay, value)
		}
	case strings.HasPrefix(value, "00-"):
		f.add(unnamedTraceparent, value)
	case strings.HasPrefix(value, "projects/"):
		f.add(unnamedGCP, value)
	case strings.IndexByte(value, '|') >= 0:
		f.newRelic(s, start)
	default:
		f.brackets(s, start, value)
	}
}

// newRelic reads NR-LINKING|entity|host|trace|span|name|, which New Relic's agents add to lines.
func (f *finder) newRelic(s string, at int) {
	const mark, reach = "NR-LINKING|", 300
	begin := max(0, at-reach)
	end := min(len(s), at+len(mark))
	i := strings.LastIndex(s[begin:end], mark)
	if i < 0 {
		return
	}
	parts := strings.SplitN(s[begin+i:min(len(s), at+2*reach)], "|", 6)
	if len(parts) < 5 {
		return
	}
	trace, traceOK := traceFromHex(parts[3], traceDigits)
	span, _ := spanFromHex(parts[4], spanDigits)
	if traceOK {
		f.collect(unnamedNewRelic, Context{TraceID: trace, SpanID: span})
	}
}

// brackets reads what Spring writes into each line: [app,trace,span], with or without a fourth
// word for whether it is exported, and [trace-span].
func (f *finder) brackets(s string, start int, value string) {
	if start == 0 {
		return
	}
	behind := s[start+len(value):]
	switch s[start-1] {
	case '[':
		if len(value) == traceDigits+len("-")+spanDigits && strings.HasPrefix(behind, "]") {
			f.add(unnamedB3, value)
		}
	case ',':
		before := s[max(0, start-1-maxName) : start-1]
		open := strings.LastIndexByte(before, '[')
		if open < 0 || strings.ContainsAny(before[open:], ", ") {
			return
		}
		if len(value) == traceDigits+len("-")+spanDigits && strings.HasPrefix(behind, "]") {
			f.add(unnamedB3, value)
			return
		}
		span, found := strings.CutPrefix(behind, ",")
		if end := strings.IndexAny(span, ",]"); found && end >= 0 {
			f.add(unnamedB3, value+"-"+span[:end])
		}
	}
}
