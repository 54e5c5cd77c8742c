package tracecontext

import "strings"

// withoutColours takes out the escape sequences with which terminals show colours: ESC [ numbers m,
// where ESC is the character itself or how JSON, C and rsyslog write it.
func withoutColours(s string) string {
	var plain strings.Builder
	for done, at := 0, 0; ; {
		i := strings.IndexByte(s[at:], '[')
		if i < 0 {
			if done == 0 {
				return s
			}
			plain.WriteString(s[done:])
			return plain.String()
		}
		at += i + 1
		begin := at - 1 - escapeBefore(s[done:at-1])
		if begin == at-1 {
			continue
		}
		end := at
		for end < len(s) && (s[end] >= '0' && s[end] <= '9' || s[end] == ';') {
			end++
		}
		if end == len(s) || s[end] != 'm' && s[end] != 'K' {
			continue
		}
		plain.WriteString(s[done:begin])
		at, done = end+1, end+1
	}
}

// escapeBefore returns the length of the escape character at the end of s, 0 if there is none.
func escapeBefore(s string) int {
	if s == "" {
		return 0
	}
	switch s[len(s)-1] {
	case '\x1b':
		return 1
	case 'b', 'B', '3':
		for _, written := range []string{`\u001b`, `\u001B`, `\x1b`, `\x1B`, `\033`, "#033"} {
			if strings.HasSuffix(s, written) {
				return len(written)
			}
		}
	}
	return 0
}
