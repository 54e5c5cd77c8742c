package ingest

import "strings"

// eachMember calls each with the members of the JSON object that text begins with: the name without
// its quotes, and the value as it is written. It stops where the JSON ends or is broken.
func eachMember(text string, each func(name, value string)) {
	at := strings.IndexByte(text, '{') + 1
	for {
		at = skipSpace(text, at)
		if at < len(text) && text[at] == ',' {
			at = skipSpace(text, at+1)
		}
		nameEnd := literalEnd(text, at)
		if nameEnd < 0 || text[at] != '"' {
			return
		}
		name := text[at+1 : nameEnd-1]
		if at = skipSpace(text, nameEnd); at >= len(text) || text[at] != ':' {
			return
		}
		at = skipSpace(text, at+1)
		end := literalEnd(text, at)
		if end < 0 {
			return
		}
		each(name, text[at:end])
		at = end
	}
}

func skipSpace(s string, at int) int {
	for at < len(s) && (s[at] == ' ' || s[at] == '\n' || s[at] == '\t' || s[at] == '\r') {
		at++
	}
	return at
}

// literalEnd returns where the value ends that begins at a position, -1 if it does not end.
func literalEnd(s string, at int) int {
	if at >= len(s) {
		return -1
	}
	switch s[at] {
	case '"':
		return stringEnd(s, at)
	case '{', '[':
		return nestedEnd(s, at)
	}
	end := at
	for end < len(s) && strings.IndexByte(",}] \n\t\r:", s[end]) < 0 {
		end++
	}
	if end == at {
		return -1
	}
	return end
}

func stringEnd(s string, at int) int {
	for i := at + 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

func nestedEnd(s string, at int) int {
	depth := 0
	for i := at; i < len(s); i++ {
		switch s[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		case '"':
			end := stringEnd(s, i)
			if end < 0 {
				return -1
			}
			i = end - 1
		}
	}
	return -1
}
