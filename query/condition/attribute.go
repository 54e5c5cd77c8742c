package condition

import (
	"slices"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/canonical"
)

// test says whether a value fits.
type test func(plait.Value) bool

// attributeReader gives a test the values that attributes have for a field, until one fits.
type attributeReader func(plait.Attributes, test) bool

// attributeReader reads as the field's lookup says.
func (f Field) attributeReader() attributeReader {
	switch {
	case f.Lookup == LookupDotted:
		return func(a plait.Attributes, fits test) bool { return dotted(a, f.Key, fits) }
	case f.Lookup == LookupLabel:
		return func(a plait.Attributes, fits test) bool {
			v, ok := labelled(a, f.Key)
			return ok && fits(v)
		}
	case f.Path != "":
		path := splitPointer(f.Path)
		return func(a plait.Attributes, fits test) bool {
			v, ok := a.Get(f.Key)
			if ok {
				v, ok = follow(v, path, plaitKeys)
			}
			return ok && fits(v)
		}
	}
	return func(a plait.Attributes, fits test) bool {
		v, ok := a.Get(f.Key)
		return ok && fits(v)
	}
}

// maxKeyDots bounds in how many places a key may be split into those of maps.
const maxKeyDots = 8

// dotted tests what has a key, as it is and with its dots leading into maps.
func dotted(attributes plait.Attributes, key string, fits test) bool {
	if v, ok := attributes.Get(key); ok && fits(v) {
		return true
	}
	for i, dots := 0, 0; i < len(key) && dots < maxKeyDots; i++ {
		if key[i] != '.' {
			continue
		}
		dots++
		if v, ok := attributes.Get(key[:i]); ok && inside(v, key[i+1:], fits) {
			return true
		}
	}
	return false
}

// inside tests what has the rest of a key in a map, or in the maps of a list.
func inside(v plait.Value, key string, fits test) bool {
	switch v.Kind() {
	case plait.KindMap:
		members, err := canonical.ParseAttributes(v.Str())
		return err == nil && dotted(members, plaitKeys(key), fits)
	case plait.KindArray:
		return slices.ContainsFunc(Elements(v), func(member plait.Value) bool {
			return member.Kind() == plait.KindMap && inside(member, key, fits)
		})
	}
	return false
}

// plaitKeys is a key as plait.AppendJSONKey writes it.
func plaitKeys(key string) string {
	if strings.HasPrefix(key, "$") {
		return "$" + key
	}
	return key
}

// foreignKeys is a key as others write it.
func foreignKeys(key string) string { return key }

// maxLabelDepth bounds how deep in maps a label is looked for.
const maxLabelDepth = 16

// labelled returns the first value whose key reads as a label.
func labelled(attributes plait.Attributes, label string) (plait.Value, bool) {
	return labelledIn(attributes, label, maxLabelDepth)
}

func labelledIn(attributes plait.Attributes, label string, depth int) (plait.Value, bool) {
	for i := range attributes {
		rest, ok := CutLabel(label, attributes[i].Key)
		if !ok {
			continue
		}
		v := attributes[i].Value
		switch {
		case rest == "" && v.Kind() != plait.KindMap:
			if v.Kind() != plait.KindEmpty && v.Text() != "" {
				return v, true
			}
		case rest != "" && rest[0] == '_' && v.Kind() == plait.KindMap && depth > 0:
			members, err := canonical.ParseAttributes(v.Str())
			if err != nil {
				continue
			}
			for i := range members {
				members[i].Key = strings.TrimPrefix(members[i].Key, "$")
			}
			if v, ok := labelledIn(members, rest[1:], depth-1); ok {
				return v, true
			}
		}
	}
	return plait.Value{}, false
}

// CutLabel takes what a key reads as off the beginning of a label. LookupLabel finds attributes whose keys leave
// nothing of it, and those within a map whose key leaves what begins with a _.
func CutLabel(label, key string) (rest string, ok bool) {
	for _, r := range key {
		c := byte('_')
		if r < 0x80 && (r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z') {
			c = byte(r)
		}
		if label == "" || label[0] != c {
			return "", false
		}
		label = label[1:]
	}
	return label, true
}

// splitPointer returns the tokens of a JSON Pointer.
func splitPointer(pointer string) []string {
	tokens := strings.Split(pointer, "/")[1:]
	for i, t := range tokens {
		tokens[i] = strings.ReplaceAll(strings.ReplaceAll(t, "~1", "/"), "~0", "~")
	}
	return tokens
}

// follow goes into maps and lists. How the JSON of maps writes a key is said by written.
func follow(v plait.Value, path []string, written func(string) string) (plait.Value, bool) {
	for _, token := range path {
		switch v.Kind() {
		case plait.KindMap:
			members, err := canonical.ParseAttributes(v.Str())
			if err != nil {
				return plait.Value{}, false
			}
			var ok bool
			if v, ok = members.Get(written(token)); !ok {
				return plait.Value{}, false
			}
		case plait.KindArray:
			i, ok := arrayIndex(token)
			all := Elements(v)
			if !ok || i >= len(all) {
				return plait.Value{}, false
			}
			v = all[i]
		default:
			return plait.Value{}, false
		}
	}
	return v, true
}

// arrayIndex reads a token as RFC 6901 wants it: digits without a leading zero.
func arrayIndex(token string) (int, bool) {
	if token == "" || len(token) > 9 || len(token) > 1 && token[0] == '0' {
		return 0, false
	}
	n := 0
	for i := range len(token) {
		if token[i] < '0' || token[i] > '9' {
			return 0, false
		}
		n = 10*n + int(token[i]-'0')
	}
	return n, true
}
