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

// objects are the names of the objects around a member, "" for none. No field's name reaches
// further than two.
type objects struct{ outer, inner string }

// fieldNamed finds the field for a name inside of objects. Dots in a name are as good as objects.
// Where the whole path is nobody's, the end of it counts, as in mdc.traceId, unless a name before
// it says that it is another trace's. There a field that is spelled without a dot is not believed
// with one: cart.operation.id is nobody's operation_Id. Fields that count only beside others have
// no such ends, and no objects.
func fieldNamed(in objects, name string) *field {
	if name == "" || len(name) > 2*maxName || lengths[name[len(name)-1]] == 0 {
		return nil
	}
	var buf [maxName]byte
	if f := fieldFolded(fold(fold(buf[:0], in.inner), name)); f != nil && (in.inner == "" || !f.beside) {
		return f
	}
	if in.outer != "" {
		if f := fieldFolded(fold(fold(fold(buf[:0], in.outer), in.inner), name)); f != nil && !f.beside {
			return f
		}
	}
	for end := name; ; {
		_, rest, dotted := strings.Cut(end, ".")
		if in.inner != "" || len(end) < len(name) {
			f := fieldFolded(fold(buf[:0], end))
			if f != nil && !f.beside && (f.dotted || !dotted) && !namesOther(name[:len(name)-len(end)]) {
				return f
			}
		}
		if !dotted {
			return nil
		}
		end = rest
	}
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
