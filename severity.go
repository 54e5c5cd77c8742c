package plait

import "strings"

// SeverityNumber is OTLP's severity, 1 (TRACE) to 24 (FATAL4), 0 when unknown
// (https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber).
type SeverityNumber uint8

var severityNames = [...]string{"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"}

// String returns the name of the severity's range, for example "WARN" for 13 to 16, and
// the empty string when it is unknown.
func (n SeverityNumber) String() string {
	if n < 1 || n > 24 {
		return ""
	}
	return severityNames[(n-1)/4]
}

// severityTexts are the names that logging libraries, syslog and others give to severities, in
// lower case and without what is neither letter nor digit. Numbers are those of appendix B of
// OpenTelemetry's log data model. Where it has a word twice, as it has for Critical (of .NET and of
// Windows), the name that is written out is the language's, and the short one syslog's.
var severityTexts = map[string]SeverityNumber{
	// OpenTelemetry's own, Log4j's, and how consoles shorten them
	"trace": 1, "trace1": 1, "trace2": 2, "trace3": 3, "trace4": 4, "trc": 1, "trce": 1, "trac": 1, "t": 1,
	"debug": 5, "debug1": 5, "debug2": 6, "debug3": 7, "debug4": 8, "dbg": 5, "dbug": 5, "debu": 5, "d": 5,
	"info": 9, "info1": 9, "info2": 10, "info3": 11, "info4": 12, "inf": 9, "i": 9,
	"warn": 13, "warn1": 13, "warn2": 14, "warn3": 15, "warn4": 16, "wrn": 13, "w": 13,
	"error": 17, "error1": 17, "error2": 18, "error3": 19, "error4": 20, "eror": 17, "erro": 17, "e": 17,
	"fatal": 21, "fatal1": 21, "fatal2": 22, "fatal3": 23, "fatal4": 24, "ftl": 21, "fata": 21, "f": 21,
	// syslog, RFC 5424, and what writes its names: nginx, Erlang, PSR-3, Google Cloud
	"informational": 9, "notice": 10, "ntc": 10, "warning": 13, "err": 17, "crit": 18, "alert": 19, "alrt": 19,
	"emergency": 21, "emerg": 21, "emrg": 21,
	// java.util.logging, of which Dart has SHOUT as well
	"finest": 1, "finer": 5, "fine": 6, "config": 7, "severe": 17, "shout": 21,
	// .NET, Serilog, Windows, Android, npm
	"information": 9, "fail": 17, "critical": 21, "verbose": 1, "vrb": 1, "v": 1, "silly": 1, "http": 7,
	"success": 10, "successaudit": 9, "auditsuccess": 9, "failureaudit": 13, "auditfailure": 13,
	// zap and logrus
	"dpanic": 18, "panic": 19, "pani": 19, "pnc": 19,
	// Postgres, whose DEBUG1 to DEBUG4 are as above; MySQL; Apache
	"log": 9, "detail": 9, "hint": 9, "statement": 9, "context": 9, "debug5": 5,
	"note": 9, "system": 9, "trace5": 1, "trace6": 1, "trace7": 1, "trace8": 1,
	// Python, Oracle
	"exception": 17, "notification": 9, "incidenterror": 21,
}

// severityPrefixes stand before names where an enumeration's are written.
var severityPrefixes = []string{"severitynumber", "loglevel", "logseverity", "severity", "loglvl", "level", "log"}

// maxSeverityText is longer than any text that ParseSeverity reads.
const maxSeverityText = 40

// ParseSeverity returns the number of a severity that is given by name, and 0 when the name is none
// that is known: in any case, in brackets, with the name of its enumeration, or with an offset as Go's
// slog writes what is between its levels (INFO+2, DEBUG-4).
func ParseSeverity(text string) SeverityNumber {
	if n := severityTexts[text]; n != 0 { // the usual case
		return n
	}
	if len(text) > maxSeverityText {
		return 0
	}
	name, offset := cutOffset(strings.Trim(text, " \t\r\n[]<>(){}|\"'`:*=#"))
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		name = name[i+1:]
	}
	var buf [maxSeverityText]byte
	folded := foldSeverity(buf[:0], name)
	n := severityTexts[string(folded)]
	for i := 0; n == 0 && i < len(severityPrefixes); i++ {
		prefix := severityPrefixes[i]
		if len(folded) > len(prefix)+1 && string(folded[:len(prefix)]) == prefix {
			n = severityTexts[string(folded[len(prefix):])]
		}
	}
	if n == 0 {
		return 0
	}
	return SeverityNumber(min(max(int(n)+offset, 1), 24))
}

// foldSeverity appends the letters and digits of a name in lower case, and turns anything else
// but what separates words into a byte that no name has.
func foldSeverity(dst []byte, name string) []byte {
	for i := range len(name) {
		switch c := name[i]; {
		case 'A' <= c && c <= 'Z':
			dst = append(dst, c+'a'-'A')
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			dst = append(dst, c)
		case c == '_', c == '-', c == ' ':
		default:
			dst = append(dst, 0)
		}
	}
	return dst
}

// cutOffset cuts off what slog adds to a level's name or takes off it.
func cutOffset(text string) (name string, offset int) {
	i := strings.LastIndexAny(text, "+-")
	if i <= 0 || len(text)-i > 4 || i == len(text)-1 {
		return text, 0
	}
	for _, c := range []byte(text[i+1:]) {
		if c < '0' || c > '9' {
			return text, 0
		}
		offset = 10*offset + int(c-'0')
	}
	if text[i] == '-' {
		offset = -offset
	}
	return text[:i], offset
}
