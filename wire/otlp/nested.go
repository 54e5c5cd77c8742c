package otlp

import (
	"bytes"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/series"
)

// nested writes arrays and maps as canonical JSON text into a buffer that all values of a
// request share. Items may nest; what is opened last is closed first.
type nested struct {
	text    []byte
	entries []entry // of the maps that are open, the innermost last
	tooDeep int     // values that were replaced for lying deeper than maxDepth

	// ledger is asked for the memory of values in protobuf: a character that JSON escapes takes six.
	ledger series.Ledger
	err    error // of the ledger
}

// entry is one key and value of an open map in the text. A comma follows it.
type entry struct{ start, keyEnd, end int }

// scalar appends a value.
func (n *nested) scalar(v plait.Value) {
	if size := len(v.Str()); size > largeText {
		if n.account(6 * size); n.err != nil {
			return
		}
	}
	n.text = v.AppendJSON(n.text)
}

// largeText is the size from which a text is accounted for before it is written.
const largeText = 64 << 10

func (n *nested) account(bytes int) {
	if err := n.ledger.Take(bytes); err != nil {
		n.err = err
	}
}

// deep appends what stands for a value that lies too deep.
func (n *nested) deep() {
	n.tooDeep++
	n.text = plait.AppendJSONString(n.text, deepText)
}

// closeWith ends an array or map, replacing the comma after its last item.
func (n *nested) closeWith(bracket byte) {
	if last := len(n.text) - 1; n.text[last] == ',' {
		n.text = n.text[:last]
	}
	n.text = append(n.text, bracket)
}

// take cuts off the text from a mark on and returns it as a string of its own.
func (n *nested) take(mark int) string {
	s := string(n.text[mark:])
	n.text = n.text[:mark]
	return s
}

// key appends a map's key and begins its entry.
func (n *nested) key(key string) entry {
	e := entry{start: len(n.text)}
	n.text = plait.AppendJSONKey(n.text, key)
	e.keyEnd = len(n.text)
	n.text = append(n.text, ':')
	return e
}

// endEntry ends an entry whose value was just written.
func (n *nested) endEntry(e entry) {
	n.text = append(n.text, ',')
	e.end = len(n.text)
	n.entries = append(n.entries, e)
}

// closeMap ends a map whose entries begin at a mark. Of entries with one key the last stays.
func (n *nested) closeMap(mark int) {
	entries := n.entries[mark:]
	n.entries = n.entries[:mark]
	if len(entries) > 1 {
		n.dropRepeated(entries)
	}
	n.closeWith('}')
}

func (n *nested) dropRepeated(entries []entry) {
	last := n.lastOfKey(entries)
	if last == nil {
		return
	}
	end := entries[0].start
	for i, e := range entries {
		if last(i) {
			end += copy(n.text[end:], n.text[e.start:e.end])
		}
	}
	n.text = n.text[:end]
}

// lastOfKey returns a function that says whether an entry is the last with its key, nil when
// no key repeats.
func (n *nested) lastOfKey(entries []entry) func(i int) bool {
	key := func(i int) []byte { return n.text[entries[i].start:entries[i].keyEnd] }
	if len(entries) <= 8 {
		for i := range entries {
			for j := range i {
				if bytes.Equal(key(i), key(j)) {
					return mapLast(entries, key)
				}
			}
		}
		return nil
	}
	return mapLast(entries, key)
}

func mapLast(entries []entry, key func(int) []byte) func(int) bool {
	last := make(map[string]int, len(entries))
	for i := range entries {
		last[string(key(i))] = i
	}
	if len(last) == len(entries) {
		return nil
	}
	keep := make([]bool, len(entries))
	for _, i := range last {
		keep[i] = true
	}
	return func(i int) bool { return keep[i] }
}
