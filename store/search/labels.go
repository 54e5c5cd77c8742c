package search

import (
	"strings"

	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/store/dictionary"
)

// maxLabel bounds the labels that are known by keys: no key that is too long to be listed reads as one of them, even if
// each of its characters takes four bytes.
const maxLabel = dictionary.MaxIndexedText / 4

// keysOfLabel returns the keys that read as a label, and those of maps whose members may. It is not ok where there may be
// others. Nil knows no keys.
func keysOfLabel(known *dictionary.RecordKeys, label string) (keys, maps []string, ok bool) {
	if !strings.Contains(label, "_") { // letters and digits read as themselves
		return []string{label}, nil, true
	}
	if known == nil || !known.Whole || len(label) > maxLabel || label[0] == '_' { // as members of a map without a key do
		return nil, nil, false
	}
	for _, key := range known.Keys {
		if mayReadAs(label, key) == itself {
			keys = append(keys, key)
		}
	}
	for _, key := range known.Maps {
		if mayReadAs(label, key) == members {
			maps = append(maps, key)
		}
	}
	return keys, maps, true
}

// reading is what of an attribute may read as a label.
type reading int

const (
	nothing reading = iota
	itself
	members // it is a map
)

func mayReadAs(label, key string) reading {
	rest, ok := condition.CutLabel(label, key)
	switch {
	case ok && rest == "":
		return itself
	case ok && rest[0] == '_':
		return members
	}
	return nothing
}
