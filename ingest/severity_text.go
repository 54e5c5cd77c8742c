package ingest

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/plaithq/plait"
)

// How a level is found in a line of text. A word such as error says nothing by itself, so it counts
// only where loggers write levels:
//
//  1. behind a name: level=warn, lvl=warn, severity=warn, log_level=warn;
//  2. in the number with which syslog begins (<34>), and in klog's first letter (W1125 10:00:00.1);
//  3. at the head: behind times, numbers, brackets, and what has digits or punctuation in it, as the first
//     word, in capitals, in brackets of its own, between tabs, bars or dashes, or with a colon.
//
// The first word that is none of these ends the head.
const (
	// maxHead is how much of a line is its head, maxHeadWords how many words of it are looked at.
	maxHead      = 200
	maxHeadWords = 14
	// maxLevelWord is the length of the longest level in a line.
	maxLevelWord = 13
)

// levelInText returns the level of a line, 0 when it tells none.
func levelInText(line string) plait.SeverityNumber {
	if n := levelInPair(line); n != 0 {
		return n
	}
	head := line[:min(len(line), maxHead)]
	if strings.IndexByte(head, '\x1b') >= 0 {
		var buf [maxHead]byte
		head = string(withoutColours(buf[:0], line))
	}
	if n := levelOfSyslog(head); n != 0 {
		return n
	}
	if n := levelOfKlog(head); n != 0 {
		return n
	}
	if n := levelOfHead(head); n != 0 {
		return n
	}
	// java.util.logging's console writes the level on a second line.
	if i := strings.IndexByte(head, '\n'); i >= 0 && head[0] >= 'A' && head[0] <= 'Z' {
		if word, _, ok := strings.Cut(head[i+1:], ":"); ok && isUpper(word) {
			return plait.ParseSeverity(word)
		}
	}
	return 0
}

// withoutColours appends the head of a line without the escape sequences of terminals.
func withoutColours(dst []byte, line string) []byte {
	for i := 0; i < len(line) && len(dst) < cap(dst); i++ {
		if line[i] != '\x1b' {
			dst = append(dst, line[i])
			continue
		}
		for i++; i < len(line) && (line[i] < '@' || line[i] > '~' || line[i] == '['); i++ {
		}
	}
	return dst
}

// levelInPair reads level=warn and the like, as logfmt has it.
func levelInPair(line string) plait.SeverityNumber {
	line = line[:min(len(line), maxLevelBody)]
	for at := 0; at < len(line); {
		i := strings.IndexByte(line[at:], '=')
		if i < 0 {
			return 0
		}
		end := at + i
		at = end + 1
		start := end
		for start > 0 && end-start < maxLevelName && isNameByte(line[start-1]) {
			start--
		}
		switch name := line[start:end]; name {
		case "level", "lvl", "severity", "log_level", "log.level", "loglevel", "Level", "LEVEL", "levelname", "@level", "severity_text":
			value := strings.TrimLeft(line[at:min(len(line), at+maxLevelName)], "\"'")
			if stop := strings.IndexAny(value, " \t\r\n\"',;)]}"); stop >= 0 {
				value = value[:stop]
			}
			n := plait.ParseSeverity(value)
			if number, ok := wholeNumber(value); n == 0 && ok {
				n = anyLevelNumber(number)
			}
			if n != 0 {
				return n
			}
		}
	}
	return 0
}

func isNameByte(c byte) bool {
	return c < utf8.RuneSelf && (isLetter(c) || isDigit(c)) || c == '_' || c == '.' || c == '-' || c == '@'
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isLetter takes everything beyond ASCII for letters.
func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= utf8.RuneSelf }

// levelOfSyslog reads <PRI>, of which the lowest three bits are the severity.
func levelOfSyslog(head string) plait.SeverityNumber {
	end := strings.IndexByte(head, '>')
	if len(head) == 0 || head[0] != '<' || end < 2 || end > 4 || end+1 == len(head) {
		return 0
	}
	n, ok := wholeNumber(head[1:end])
	next := head[end+1]
	if !ok || n < 0 || n > 191 || !isDigit(next) && !isUpper(string(next)) {
		return 0
	}
	return syslogNumber(n % 8)
}

// levelOfKlog reads the first letter of klog and glog, which month, day and time follow.
func levelOfKlog(head string) plait.SeverityNumber {
	const sample = "I1125 10:00:00"
	if len(head) < len(sample) {
		return 0
	}
	for i := 1; i < len(sample); i++ {
		digit := isDigit(sample[i])
		if digit != isDigit(head[i]) || !digit && head[i] != sample[i] {
			return 0
		}
	}
	switch head[0] {
	case 'I', 'W', 'E', 'F', 'D':
		return plait.ParseSeverity(head[:1])
	}
	return 0
}

// levelOfHead looks at the first words of a line.
func levelOfHead(head string) plait.SeverityNumber {
	if i := strings.IndexByte(head, '\n'); i >= 0 {
		head = head[:i]
	}
	words := headWords{rest: head}
	dated := len(head) > 0 && (head[0] == '[' || isDigit(head[0]) || isMonth(head))
	for range maxHeadWords {
		w, ok := words.next()
		if !ok {
			return 0
		}
		if n := w.level(dated); n != 0 {
			return n
		}
		if w.isProse() && (!dated || !words.inColumns()) {
			return 0
		}
		dated = dated || isDigit(w.text[0])
	}
	return 0
}

// headWord is a word of a line's head with what stands around it.
type headWord struct {
	text      string
	before    byte // the byte before, a bar or tab if there is one, 0 at the start
	after     byte // the byte after, 0 at the end
	bracketed bool // in brackets, alone or not
	first     bool
	counted   bool // behind a number
}

// level is what a word says if it stands where levels do.
func (w *headWord) level(dated bool) plait.SeverityNumber {
	if !isLetter(w.text[0]) || len(w.text) > maxLevelWord {
		return 0
	}
	n := plait.ParseSeverity(w.text)
	if n == 0 {
		return 0
	}
	upper := isUpper(w.text)
	closed := w.after == ']' || w.after == '>' || w.after == ')'
	switch {
	case len(w.text) == 1: // logcat's letters: ids before, a tag behind
		if w.counted && upper && w.before == ' ' && w.after == ' ' && strings.IndexByte("VDIWEF", w.text[0]) >= 0 {
			return n
		}
		return 0
	case isOrdinaryWord(w.text):
		// Postgres writes LOG: and DETAIL: behind the time.
		if upper && dated && w.after == ':' {
			return n
		}
		return 0
	case upper:
		if w.after != '=' && (dated || w.first || w.bracketed || w.before == '|' || w.after == ':') {
			return n
		}
	case w.bracketed && closed:
		return n
	case w.after == ':' && (w.first || dated):
		return n
	case (w.before == '\t' || w.before == '|') && (w.after == '\t' || w.after == '|'):
		return n
	}
	return 0
}

// ordinaryWords are names of levels that texts begin with, too. (.NET's console begins failures with a
// lower-case fail, so that is none.)
var ordinaryWords = []string{"log", "detail", "hint", "statement", "context", "note", "system", "http", "success",
	"notification", "exception"}

func isOrdinaryWord(word string) bool {
	return slices.ContainsFunc(ordinaryWords, func(w string) bool { return strings.EqualFold(w, word) }) ||
		word != "fail" && strings.EqualFold(word, "fail")
}

// isProse says that a word belongs to the message: letters only, and in no bracket.
func (w *headWord) isProse() bool {
	if w.bracketed || isMonth(w.text) || w.after == ']' || len(w.text) == 1 && w.after == ',' {
		return false
	}
	switch w.text {
	case "UTC", "GMT", "CET", "CEST", "EST", "PST", "AM", "PM", "Z", "stdout", "stderr", "F", "P", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun":
		return false
	}
	for i := range len(w.text) {
		if !isLetter(w.text[i]) {
			return false
		}
	}
	return len(w.text) > 0
}

func isMonth(s string) bool {
	if len(s) < 3 || len(s) > 3 && s[3] >= 'a' && s[3] <= 'z' {
		return false
	}
	const months = "JanFebMarAprMayJunJulAugSepOctNovDec"
	i := strings.Index(months, s[:3])
	return i >= 0 && i%3 == 0
}

func isUpper(word string) bool {
	for i := range len(word) {
		if c := word[i]; (c < 'A' || c > 'Z') && !isDigit(c) {
			return false
		}
	}
	return len(word) > 0 && word[0] >= 'A'
}

// headWords cuts a head into words at white space, brackets, bars and colons.
type headWords struct {
	rest    string
	depth   int
	begun   bool
	counted bool // the last word was a number, as far as its ends tell
}

func (h *headWords) next() (w headWord, ok bool) {
	i := 0
	for ; i < len(h.rest) && isHeadBreak(h.rest[i]); i++ {
		switch c := h.rest[i]; c {
		case '[', '<', '(':
			h.depth++
		case ']', '>', ')':
			h.depth = max(h.depth-1, 0)
		}
		if w.before != '|' && w.before != '\t' {
			w.before = h.rest[i]
		}
	}
	if i == len(h.rest) {
		return w, false
	}
	end := i
	for end < len(h.rest) && !isHeadBreak(h.rest[end]) {
		end++
	}
	w.text, w.bracketed, w.first, w.counted = h.rest[i:end], h.depth > 0, !h.begun, h.counted
	if end < len(h.rest) {
		w.after = h.rest[end]
	}
	h.counted = isDigit(w.text[0]) && isDigit(w.text[len(w.text)-1])
	h.rest, h.begun = h.rest[end:], true
	return w, true
}

// inColumns says that a dash or a bar follows, which separates the columns of a line.
func (h *headWords) inColumns() bool {
	return strings.HasPrefix(h.rest, " - ") || strings.HasPrefix(strings.TrimLeft(h.rest, " "), "|")
}

func isHeadBreak(c byte) bool {
	return c <= ' ' || c == '[' || c == ']' || c == '<' || c == '>' || c == '(' || c == ')' || c == '|' || c == ':' || c == ',' || c == '/' || c == '='
}
