package extract

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/plaithq/plait/jsontext"
)

// maxDepth bounds how deep objects may stand in one another. What is deeper is skipped.
const maxDepth = 64

var errNoObject = errors.New("the line is no JSON object")

// JSON finds the members of the object that a line is. Members of objects within have both keys with a _
// between. Arrays, nulls and empty keys are left out, numbers and truths are as they are written. Where the
// line is wrong, what stood before is found, and the error tells the place.
func JSON(line string, emit Emit) error {
	r := jsontext.Of(line)
	if r.Space(); r.Peek() != '{' {
		return errNoObject
	}
	object(&r, "", maxDepth, emit)
	if r.Err != nil {
		return r.Err
	}
	return nil
}

func object(r *jsontext.Reader, prefix string, depth int, emit Emit) {
	for o := (jsontext.Object{}); r.Field(&o); {
		if strings.TrimSpace(o.Key) == "" {
			r.Skip()
			continue
		}
		name := Name(prefix + o.Key)
		if r.Space(); r.Peek() == '{' && depth > 0 {
			object(r, name+"_", depth-1, emit)
			continue
		}
		if value, ok := scalar(r); ok {
			emit(name, value)
		}
	}
}

// scalar reads a value; not ok for arrays, objects, and what is wrong.
func scalar(r *jsontext.Reader) (string, bool) {
	switch r.Peek() {
	case '"':
		s := r.Str()
		return strings.ToValidUTF8(s, string(utf8.RuneError)), r.Err == nil
	case '[', '{':
		r.Skip()
		return "", false
	}
	start := r.Pos
	r.Skip()
	if r.Err != nil {
		return "", false
	}
	return r.Text[start:r.Pos], true
}

// Path leads to a value in JSON: b.c, e[0], g["h i"].
type Path []step

type step struct {
	key   string
	index int // of an array, -1 for a key
}

// ParsePath reads a path.
func ParsePath(text string) (Path, error) {
	var p Path
	rest := text
	for first := true; rest != "" || first; first = false {
		switch {
		case rest != "" && rest[0] == '[':
			s, after, err := bracket(rest)
			if err != nil {
				return nil, err
			}
			p, rest = append(p, s), after
			continue
		case !first:
			if rest[0] != '.' {
				return nil, errors.New("want . or [ before " + strconv.Quote(rest))
			}
			rest = rest[1:]
		}
		n := strings.IndexAny(rest, `.[]"`)
		if n < 0 {
			n = len(rest)
		}
		if n == 0 {
			return nil, errors.New("a key is missing in " + strconv.Quote(text))
		}
		p, rest = append(p, step{rest[:n], -1}), rest[n:]
	}
	return p, nil
}

// bracket reads [0] or ["a key"].
func bracket(text string) (step, string, error) {
	inside := text[1:]
	if quoted, err := strconv.QuotedPrefix(inside); err == nil {
		key, _ := strconv.Unquote(quoted)
		after, ok := strings.CutPrefix(inside[len(quoted):], "]")
		if ok {
			return step{key, -1}, after, nil
		}
	} else if number, after, ok := strings.Cut(inside, "]"); ok {
		if i, err := strconv.ParseUint(number, 10, 31); err == nil {
			return step{"", int(i)}, after, nil
		}
	}
	return step{}, "", errors.New("want a number or a quoted key in brackets, as in [0]")
}

// Find returns the value in a line that a path leads to: the text of a string, number or truth, and the JSON
// of an object or array. It is empty where there is none, and for null. An error says that the line is no
// JSON object, or where it is wrong.
func (p Path) Find(line string) (string, error) {
	r := jsontext.Of(line)
	if r.Space(); r.Peek() != '{' {
		return "", errNoObject
	}
	value := p.follow(&r)
	if r.Err != nil {
		return "", r.Err
	}
	return value, nil
}

func (p Path) follow(r *jsontext.Reader) string {
	r.Space()
	if len(p) == 0 {
		return whole(r)
	}
	switch {
	case p[0].index < 0 && r.Peek() == '{':
		for o := (jsontext.Object{}); r.Field(&o); {
			if o.Key == p[0].key {
				return p[1:].follow(r)
			}
			r.Skip()
		}
	case p[0].index >= 0 && r.Peek() == '[':
		for a := (jsontext.Array{}); r.Item(&a); {
			if a.Index == p[0].index {
				return p[1:].follow(r)
			}
			r.Skip()
		}
	}
	return ""
}

// whole is a value of any type.
func whole(r *jsontext.Reader) string {
	if c := r.Peek(); c == '[' || c == '{' {
		start := r.Pos
		r.Skip()
		if r.Err != nil {
			return ""
		}
		return r.Text[start:r.Pos]
	}
	if r.Word("null") {
		return ""
	}
	value, _ := scalar(r)
	return value
}

// Unpack finds the members that are strings of the object that a line is, and the line that it carries
// (_entry), as Promtail packs them.
func Unpack(line string, emit Emit) (entry string, packed bool, err error) {
	r := jsontext.Of(line)
	if r.Space(); r.Peek() != '{' {
		return "", false, errNoObject
	}
	type label struct{ name, value string }
	var found []label
	for o := (jsontext.Object{}); r.Field(&o); {
		if r.Space(); r.Peek() != '"' {
			r.Skip()
			continue
		}
		switch value, _ := scalar(&r); {
		case r.Err != nil:
		case o.Key == "_entry":
			entry, packed = value, true
		case Name(o.Key) != "":
			found = append(found, label{Name(o.Key), value})
		}
	}
	if r.Err != nil {
		return "", false, r.Err
	}
	for _, l := range found {
		emit(l.name, l.value)
	}
	return entry, packed, nil
}
