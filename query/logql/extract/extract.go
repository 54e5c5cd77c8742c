// Package extract finds labels in log lines, as LogQL's parsers json, logfmt, pattern, regexp and unpack do,
// and tests lines with the patterns of |> and !>. It knows lines only: which labels an entry has already,
// and what becomes of errors, is up to who calls.
package extract

import (
	"errors"
	"regexp"
	"strings"
)

// Emit takes a label that was found. Names are as the line has them where that is not a label's name yet
// (see Name), and the same name may come twice.
type Emit func(name, value string)

// Name makes a label's name of a key: each character that is no letter, digit or _ becomes _, and a digit in
// front gets a _ before it.
func Name(key string) string {
	valid := key != "" && !digit(rune(key[0]))
	for i := 0; i < len(key) && valid; i++ {
		valid = inName(rune(key[i]))
	}
	if valid {
		return key
	}
	var b strings.Builder
	for i, r := range strings.TrimSpace(key) {
		if i == 0 && digit(r) {
			b.WriteByte('_')
		}
		if !inName(r) {
			r = '_'
		}
		b.WriteRune(r)
	}
	return b.String()
}

func digit(r rune) bool { return '0' <= r && r <= '9' }

func inName(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || digit(r) || r == '_'
}

// Regexp reads the expression of the parser regexp: RE2 with at least one named group, and no name twice.
func Regexp(expression string) (*regexp.Regexp, error) {
	re, err := regexp.Compile(expression)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, name := range re.SubexpNames() {
		switch {
		case name == "":
		case seen[name]:
			return nil, errors.New("the name " + name + " is given to two groups")
		case Name(name) != name:
			return nil, errors.New(name + " is no name of a label")
		default:
			seen[name] = true
		}
	}
	if len(seen) == 0 {
		return nil, errors.New("no group has a name, write (?P<name>…)")
	}
	return re, nil
}

// WithRegexp finds the named groups of the first match in a line. Groups that took no part are empty.
func WithRegexp(re *regexp.Regexp, line string, emit Emit) {
	at := re.FindStringSubmatchIndex(line)
	if at == nil {
		return
	}
	for i, name := range re.SubexpNames() {
		if name == "" {
			continue
		}
		value := ""
		if at[2*i] >= 0 {
			value = line[at[2*i]:at[2*i+1]]
		}
		emit(name, value)
	}
}
