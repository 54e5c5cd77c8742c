package terms

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/canonical"
)

// How much of one attribute's lists and maps is indexed. What has more is found by its key.
const (
	maxNestedBytes  = 4 << 10
	maxNestedValues = 64
	maxNestedDepth  = 8
)

// AttributeKey is the hash of an attribute's key, for those who keep it: keys repeat.
type AttributeKey uint64

// AttributeKey makes the hash of a key, given as a JSON string.
func (h *Hasher) AttributeKey(keyJSON []byte) AttributeKey {
	return AttributeKey(hashText(h, Key, keyJSON))
}

// Term is the term of all attributes with the key.
func (k AttributeKey) Term() Term { return term(uint64(k)) }

// Attribute makes the term of a key and a value, given as canonical JSON. A double that is a whole
// number has the term of the integer.
func (h *Hasher) Attribute(key AttributeKey, valueJSON []byte) Term {
	return term(fold(uint64(key)^h.mixes[3], hashText(h, attribute, withoutPoint(valueJSON))))
}

// withoutPoint cuts the .0 of a whole double.
func withoutPoint(value []byte) []byte {
	n := len(value)
	if n == 0 || value[n-1] != '0' {
		return value
	}
	if n > 2 && value[n-2] == '.' {
		value = value[:n-2]
	}
	if len(value) == 2 && value[0] == '-' && value[1] == '0' {
		return value[1:]
	}
	return value
}

// Attribute adds an attribute of the current row, given as it stands there: its key as a JSON string, its
// value as canonical JSON.
func (b *Block) Attribute(key AttributeKey, keyJSON, valueJSON []byte) {
	b.Add(key.Term())
	b.Add(b.hasher.Attribute(key, valueJSON))
	if len(valueJSON) > 0 && (valueJSON[0] == '[' || valueJSON[0] == '{') {
		n := nesting{block: b, left: maxNestedValues}
		if len(valueJSON) > maxNestedBytes || !n.value(keyJSON, string(valueJSON), 0) {
			b.Add(b.hasher.nested(keyJSON))
		}
	}
}

// nesting adds what is in lists and maps: members of maps under their path, with dots, members of lists
// under the key of the list.
type nesting struct {
	block *Block
	left  int
}

// value returns false when there is more than is indexed.
func (n *nesting) value(key []byte, value string, depth int) bool {
	if n.left--; n.left < 0 || depth > maxNestedDepth {
		return false
	}
	hash := n.block.hasher.AttributeKey(key)
	n.block.Add(hash.Term())
	n.block.Add(n.block.hasher.Attribute(hash, []byte(value)))
	switch v, err := canonical.ParseValue(value); {
	case err != nil:
		return false
	case v.Kind() == plait.KindArray:
		var members []json.RawMessage
		if json.Unmarshal([]byte(value), &members) != nil {
			return false
		}
		for _, m := range members {
			if !n.value(key, string(m), depth+1) {
				return false
			}
		}
	case v.Kind() == plait.KindMap:
		members, err := canonical.ParseAttributes(value)
		if err != nil {
			return false
		}
		for _, m := range members {
			if !n.value(innerKey(key, m.Key), string(m.Value.AppendJSON(nil)), depth+1) {
				return false
			}
		}
	}
	return true
}

// innerKey is the path of a map's member. Keys of maps that begin with $ have a second one.
func innerKey(outer []byte, inner string) []byte {
	path := append(append([]byte{}, outer[:len(outer)-1]...), '.')
	return append(path, plait.AppendJSONString(nil, strings.TrimPrefix(inner, "$"))[1:]...)
}

// HasKey asks for rows with an attribute of the key, also one in a map: order.id is the member id of the
// map order, too. It tells nothing of attributes that stand in resources and attribute sets.
func (h *Hasher) HasKey(key string) *Plan {
	json := plait.AppendJSONString(nil, key)
	return Any(h.AttributeKey(json).Term(), h.nested(json))
}

// HasAttribute asks for rows with an attribute of the key, as HasKey, that has one of some values, or
// is a list or map with a member that has. Values are canonical JSON; a whole number's integer stands for
// its double too. A list or map is found by itself if it is written just as given: who compares what it
// says asks for HasKey.
func (h *Hasher) HasAttribute(key string, valuesJSON ...[]byte) *Plan {
	json := plait.AppendJSONString(nil, key)
	terms := []Term{h.nested(json)}
	for _, v := range valuesJSON {
		terms = append(terms, h.Attribute(h.AttributeKey(json), v))
	}
	return Any(terms...)
}

// nested is the term of values that may have the key in them and are not indexed. It tells keys apart up to
// their first dot, so that one term stands for all maps that a key may be in.
func (h *Hasher) nested(keyJSON []byte) Term {
	if i := bytes.IndexByte(keyJSON, '.'); i >= 0 {
		return h.Text(Nested, string(keyJSON[:i])+`"`)
	}
	return h.Text(Nested, string(keyJSON))
}
