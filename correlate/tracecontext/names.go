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
			var buf [maxName]byte
			name := string(fold(buf[:0], f.name))
			if m[name] == nil {
				m[name] = &f
			}
		}
	}
	return m
}()

// endsField marks the last letters of the fields' names. Most names of other things end otherwise,
// and are turned away by one look.
var endsField = func() (t [256]bool) {
	for name := range fields {
		last := name[len(name)-1]
		t[last] = true
		if last >= 'a' && last <= 'z' {
			t[last-'a'+'A'] = true
		}
	}
	return t
}()

// fold appends the letters and digits of a name in lower case, so that trace_id, traceId,
// Trace-ID and trace.id are one. A leading @ counts. Names beyond maxName are cut.
func fold(dst []byte, name string) []byte {
	for i := range len(name) {
		c := name[i]
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '@':
		default:
			continue
		}
		if len(dst) == maxName {
			return dst
		}
		dst = append(dst, c)
	}
	return dst
}

// fieldNamed finds the field for a name inside an object, whose own name is parent ("" for
// none). Dots in a name are as good as objects. Where the whole path is nobody's, the last
// part of it counts, as in mdc.traceId, unless the parent says that it is another trace's.
func fieldNamed(parent, name string) *field {
	if name == "" || len(name) > 2*maxName || !endsField[name[len(name)-1]] {
		return nil
	}
	var buf [maxName]byte
	folded := fold(buf[:0], parent)
	if f := fields[string(fold(folded, name))]; f != nil {
		return f
	}
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		parent, name = name[:i], name[i+1:]
	}
	if parent == "" || namesOther(parent) {
		return nil
	}
	if f := fields[string(fold(buf[:0], name))]; f != nil {
		return f
	}
	return nil
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
