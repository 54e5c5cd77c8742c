package tracecontext

import "strings"

// maxName is the longest name of a field, folded, with what may stand before it.
const maxName = 48

// fields are all ecosystems' fields by folded name.
var fields = func() map[string]*field {
	m := map[string]*field{}
	for i := range ecosystems {
		for _, f := range ecosystems[i].fields {
			f.owner = i
			c, ok := f.read("00f067aa0ba902b7") // 16 digits are a span id under every span's name
			f.span = ok && c.TraceID.IsZero()
			var buf [maxName]byte
			name := string(fold(buf[:0], f.name))
			if m[name] == nil {
				m[name] = &f
			}
			if strings.Contains(f.name, ".") {
				m[name].dotted = true
			}
		}
	}
	return m
}()

// lengths tells the folded lengths of the fields' names by the last letter: bit n stands for
// length n. Most names of other things have another end or length, and are turned away by one look.
var lengths = func() (t [256]uint64) {
	for name := range fields {
		last := name[len(name)-1]
		t[last] |= 1 << len(name)
		if last >= 'a' && last <= 'z' {
			t[last-'a'+'A'] |= 1 << len(name)
		}
	}
	return t
}()

// folded has the letters and digits that count in a name, in lower case, and 0 for all else.
// A leading @ counts.
var folded = func() (t [256]byte) {
	const lower = "abcdefghijklmnopqrstuvwxyz0123456789@"
	for i, upper := range strings.ToUpper(lower) {
		t[lower[i]], t[upper] = lower[i], lower[i]
	}
	return t
}()

// fold appends the letters and digits of a name in lower case, so that trace_id, traceId,
// Trace-ID and trace.id are one. What dst has no room for is cut.
func fold(dst []byte, name string) []byte {
	for i := range len(name) {
		c := folded[name[i]]
		if c == 0 {
			continue
		}
		if len(dst) == cap(dst) {
			return dst
		}
		dst = append(dst, c)
	}
	return dst
}

// objects are the names of the objects around a member, "" for none. No field's name reaches
// further than two.
type objects struct{ outer, inner string }

// fieldNamed finds the field for a name inside of objects, and tells how many of these its name
// begins above. Dots in a name are as good as objects. Where the whole path is nobody's, the end of it
// counts, as in mdc.traceId, unless a name before it says that it is another trace's. There a field that
// is spelled without a dot is not believed with one: cart.operation.id is nobody's operation_Id. Fields
// that count only beside others have no such ends.
func fieldNamed(in objects, name string) (f *field, above int) {
	if name == "b3" && in.inner != "" {
		if f, above = formNamed(in, name); f != nil {
			return f, above
		}
	}
	if name == "" || len(name) > 2*maxName || lengths[name[len(name)-1]] == 0 {
		return formNamed(in, name)
	}
	var buf [4 * maxName]byte
	inner := len(fold(buf[:0:maxName], in.outer))
	own := len(fold(buf[:inner:inner+maxName], in.inner))
	path := fold(buf[:own], name)
	if f := fieldFolded(path[inner:]); f != nil && (in.inner == "" || !f.beside) {
		return f, min(len(in.inner), 1)
	}
	if f := fieldFolded(path); inner > 0 && f != nil && !f.beside {
		return f, 2
	}
	dots := strings.Count(name, ".")
	if f := fieldFolded(path[own:]); own > 0 && f != nil && (f.dotted || dots == 0) {
		return f, 0
	}
	if f := headerNamed(path[own:]); f != nil {
		return f, 0
	}
	for i, end := 0, own; dots > 0; i++ {
		if folded[name[i]] != 0 {
			end++
		}
		if name[i] != '.' {
			continue
		}
		dots--
		f := fieldFolded(path[end:])
		if f != nil && !f.beside && (f.dotted || dots == 0) && !namesOther(name[:i]) {
			return f, 0
		}
	}
	return formNamed(in, name)
}

// forms are names of members that hold an id in one form, in an object with the name of a field.
var forms = map[string]bool{"w3c": true, "b3": true, "b3-single": true, "jaeger": true, "ot": true, "aws": true, "gcp": true,
	"datadog": true, "instana": true, "hex": true, "value": true, "id": true, "stringValue": true, "string_value": true}

// formNamed finds the field of which an object holds the forms, as Kong writes trace_id.
func formNamed(in objects, name string) (f *field, above int) {
	if in.inner == "" || !forms[name] {
		return nil, 0
	}
	if f, above = fieldNamed(objects{inner: in.outer}, in.inner); f == nil || f.header || f.beside {
		return nil, 0
	}
	return f, above + 1
}

// headerPrefixes stand before headers' names in access logs: of nginx, Traefik and others.
var headerPrefixes = []string{"http", "request", "req", "downstream", "requestheader", "requestheaders", "httprequestheader", "header", "headers"}

// headerNamed finds a header with what access logs write before it.
func headerNamed(name []byte) *field {
	if c := name[0]; c != 'h' && c != 'r' && c != 'd' {
		return nil
	}
	for _, prefix := range headerPrefixes {
		if len(name) > len(prefix) && string(name[:len(prefix)]) == prefix {
			if f := fieldFolded(name[len(prefix):]); f != nil && f.header && f.name != "Root" && f.name != "Request-Id" {
				return f
			}
		}
	}
	return nil
}

func fieldFolded(name []byte) *field {
	if len(name) == 0 || lengths[name[len(name)-1]]&(1<<len(name)) == 0 {
		return nil
	}
	return fields[string(name)]
}

// namesOther says whether what is under the name belongs to another trace or span than the
// record's own.
func namesOther(object string) bool {
	for part := range strings.SplitSeq(object, ".") {
		var buf [maxName]byte
		switch string(fold(buf[:0], part)) {
		case "parent", "link", "links", "linked", "previous", "prev", "exemplar", "exemplars", "upstream", "remote":
			return true
		}
	}
	return false
}
