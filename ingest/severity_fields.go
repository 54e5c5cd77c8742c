package ingest

import (
	"strings"

	"github.com/plaithq/plait"
)

// A levelField is a name under which loggers write a level.
type levelField struct {
	rank    int // the lower counts
	numbers func(int64) plait.SeverityNumber
}

// levelFields are by name in lower case, without what is no letter, digit or @. A name in an object
// is looked for with the object's name before it, too: log.level, level.name, syslog.severity.
var levelFields = func() map[string]*levelField {
	m := map[string]*levelField{}
	for _, of := range []struct {
		field levelField
		names string
	}{
		{levelField{0, openTelemetryNumber}, "severitynumber"},
		{levelField{1, anyLevelNumber}, "severitytext severityname levelname level loglevel lvl @l @level leveldisplayname " +
			"levelstr levelstring levellevelstr logseverity errorseverity severitylabel entrytype loglevelname @severity"},
		{levelField{1, severityFieldNumber}, "severity"},
		{levelField{2, syslogNumber}, "priority syslogseverity syslogseverityname syslogseveritycode logsyslogseverityname " +
			"logsyslogseveritycode logsyslogseverity syslogpriority severitycode"},
		{levelField{3, pythonNumber}, "levelno"},
		{levelField{3, logbackNumber}, "levelvalue"},
		{levelField{3, azureNumber}, "severitylevel"},
		{levelField{4, anyLevelNumber}, "detectedlevel"},
	} {
		for name := range strings.FieldsSeq(of.names) {
			m[name] = &of.field
		}
	}
	return m
}()

// levelContainers are objects in which a level's name is believed.
var levelContainers = map[string]bool{
	"": true, "log": true, "record": true, "fields": true, "attributes": true, "context": true, "extra": true, "mdc": true,
	"meta": true, "metadata": true, "event": true, "data": true, "entry": true, "jsonpayload": true, "properties": true,
	"contextmap": true, "contextdata": true, "winlog": true, "labels": true, "message": true, "msg": true,
}

const maxLevelName = 32

// levelFieldNamed finds the field for a name in an object, and nil if it is none. Dots in a name are as
// good as objects.
func levelFieldNamed(parent, name string) *levelField {
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		parent, name = name[:i], name[i+1:]
	}
	var buf [2 * maxLevelName]byte
	outer := foldLevelName(buf[:0:maxLevelName], parent)
	path := foldLevelName(buf[:len(outer):len(outer)+maxLevelName], name)
	if f := levelFields[string(path)]; f != nil {
		return f
	}
	if len(outer) > 0 && levelContainers[string(outer)] {
		return levelFields[string(path[len(outer):])]
	}
	return nil
}

func foldLevelName(dst []byte, name string) []byte {
	for i := range len(name) {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if ('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '@') && len(dst) < cap(dst) {
			dst = append(dst, c)
		}
	}
	return dst
}

// bySyslogNumber are the severities of syslog's numbers, from emergency to debug.
var bySyslogNumber = [...]plait.SeverityNumber{21, 19, 18, 17, 13, 10, 9, 5}

func syslogNumber(n int64) plait.SeverityNumber {
	if n < 0 || n >= int64(len(bySyslogNumber)) {
		return 0
	}
	return bySyslogNumber[n]
}

func openTelemetryNumber(n int64) plait.SeverityNumber {
	if n < 1 || n > 24 {
		return 0
	}
	return plait.SeverityNumber(n)
}

// tens reads levels in steps of ten, of which the first has a number.
func tens(n, first int64, number plait.SeverityNumber) plait.SeverityNumber {
	steps := n/10 - first/10
	if level := int64(number) + 4*steps + n%10*4/10; n > 0 && level >= 1 {
		return openTelemetryNumber(level)
	}
	return 0
}

// anyLevelNumber reads the numbers of a field called level: those of pino and Bunyan from 10 to 60,
// of GELF from 0 to 7 as syslog has them, of Monolog in hundreds.
func anyLevelNumber(n int64) plait.SeverityNumber {
	switch {
	case n >= 10 && n < 70:
		return tens(n, 10, 1)
	case n >= 100 && n < 700:
		return byNumber(n, []numbered{{100, 5}, {200, 9}, {250, 10}, {300, 13}, {400, 17}, {500, 18}, {550, 19}, {600, 21}})
	}
	return syslogNumber(n)
}

// severityFieldNumber reads the numbers of a field called severity: Google Cloud's in hundreds, and those
// of level.
func severityFieldNumber(n int64) plait.SeverityNumber {
	if n >= 100 && n < 900 {
		return byNumber(n, []numbered{{100, 5}, {200, 9}, {300, 10}, {400, 13}, {500, 17}, {600, 18}, {700, 19}, {800, 21}})
	}
	return anyLevelNumber(n)
}

func pythonNumber(n int64) plait.SeverityNumber {
	if n > 0 && n < 10 {
		return 1
	}
	return tens(n, 10, 5)
}

func logbackNumber(n int64) plait.SeverityNumber {
	return byNumber(n, []numbered{{5000, 1}, {10000, 5}, {20000, 9}, {30000, 13}, {40000, 17}, {50000, 21}})
}

func azureNumber(n int64) plait.SeverityNumber {
	return byNumber(n, []numbered{{0, 1}, {1, 9}, {2, 13}, {3, 17}, {4, 21}})
}

type numbered struct {
	from  int64
	level plait.SeverityNumber
}

// byNumber returns the level of the last number that is not above n.
func byNumber(n int64, levels []numbered) (level plait.SeverityNumber) {
	for _, l := range levels {
		if n >= l.from {
			level = l.level
		}
	}
	return level
}
