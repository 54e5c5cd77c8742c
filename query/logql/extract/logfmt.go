package extract

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Logfmt finds the pairs of a line: key=value and key="a value"; a word alone is a key with an empty value.
// A pair that is malformed is left out, and where strict says so it ends the reading with an error.
func Logfmt(line string, strict bool, emit Emit) error {
	for i := 0; i < len(line); {
		if line[i] <= ' ' {
			i++
			continue
		}
		key, value, end, wrong := pair(line, i)
		switch {
		case wrong == "":
			emit(key, value)
		case strict:
			return fmt.Errorf("byte %d: %s", end, wrong)
		default:
			end = skipPair(line, end)
		}
		i = end
	}
	return nil
}

// skipPair passes over the rest of a malformed pair.
func skipPair(line string, i int) int {
	for i < len(line) && line[i] > ' ' {
		i++
	}
	return i
}

// pair reads the pair at start, and says where it ends or what is wrong at which place.
func pair(line string, start int) (key, value string, end int, wrong string) {
	i := start
	for ; i < len(line) && line[i] > ' ' && line[i] != '='; i++ {
		if line[i] == '"' {
			return "", "", i, "quote in a key"
		}
	}
	key = line[start:i]
	switch {
	case key == "":
		return "", "", i, "= without a key"
	case strings.ContainsRune(key, utf8.RuneError):
		return "", "", i, "a key that is no UTF-8"
	case i == len(line) || line[i] != '=':
		return key, "", i, ""
	}
	i++
	if i < len(line) && line[i] == '"' {
		return quoted(line, key, i)
	}
	start = i
	for ; i < len(line) && line[i] > ' '; i++ {
		if line[i] == '=' || line[i] == '"' {
			return "", "", i, "= or a quote in a value that is not quoted"
		}
	}
	return key, strings.ToValidUTF8(line[start:i], string(utf8.RuneError)), i, ""
}

// quoted reads the value of a key that begins with a quote.
func quoted(line, key string, start int) (_, value string, end int, wrong string) {
	escapes := false
	for i := start + 1; i < len(line); i++ {
		switch line[i] {
		case '\\':
			escapes = true
			i++
		case '"':
			value = line[start+1 : i]
			if escapes {
				value = unescape(value)
			}
			if i+1 < len(line) && line[i+1] > ' ' {
				return "", "", i + 1, "text behind a quoted value"
			}
			return key, strings.ToValidUTF8(value, string(utf8.RuneError)), i + 1, ""
		}
	}
	return "", "", len(line), "a quote is not closed"
}

// unescape replaces JSON's and Go's escapes; one that is none of them stays.
func unescape(text string) string {
	var b strings.Builder
	for text != "" {
		if text[0] != '\\' {
			b.WriteByte(text[0])
			text = text[1:]
			continue
		}
		r, multibyte, rest, err := strconv.UnquoteChar(text, '"')
		switch {
		case strings.HasPrefix(text, `\/`):
			r, rest = '/', text[2:]
		case err != nil:
			r, rest = '\\', text[1:]
		}
		if r < utf8.RuneSelf || !multibyte && err == nil {
			b.WriteByte(byte(r))
		} else {
			b.WriteRune(r)
		}
		text = rest
	}
	return b.String()
}
