package condition

import (
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/canonical"
)

// logLeaf compiles a leaf of a condition on log records.
func logLeaf(l Leaf) (matcher[plait.LogRecord], error) {
	if err := l.check(ofLog); err != nil {
		return nil, err
	}
	switch l.Field.Name {
	case LogTraceID:
		return leafOf(l, nil, func(r *plait.LogRecord, fits func(id) bool) bool { return traceIDOf(r.TraceID, fits) })
	case LogSpanID:
		return leafOf(l, nil, func(r *plait.LogRecord, fits func(id) bool) bool { return spanIDOf(r.SpanID, fits) })
	}
	return leafOf(l, l.logReader(), nil)
}

// logReaders are those of the fields that have no key.
var logReaders = map[Name]reader[plait.LogRecord]{
	LogTime: func(r *plait.LogRecord, fits test) bool { return fits(plait.IntValue(r.TimeNanos)) },
	LogObserved: func(r *plait.LogRecord, fits test) bool {
		return r.ObservedNanos != 0 && fits(plait.IntValue(r.ObservedNanos))
	},
	LogSeverity: func(r *plait.LogRecord, fits test) bool {
		return r.Severity != 0 && fits(plait.IntValue(int64(r.Severity)))
	},
	LogSeverityText: func(r *plait.LogRecord, fits test) bool { return present(r.SeverityText, fits) },
	LogLevel:        func(r *plait.LogRecord, fits test) bool { return fits(plait.StringValue(Level(r))) },
	LogBody:         func(r *plait.LogRecord, fits test) bool { return fits(plait.StringValue(r.Body.Text())) },
	LogEventName:    func(r *plait.LogRecord, fits test) bool { return present(r.EventName, fits) },
	Service:         func(r *plait.LogRecord, fits test) bool { return fits(plait.StringValue(r.Resource.Service())) },
	ScopeName:       func(r *plait.LogRecord, fits test) bool { return r.Scope != nil && present(r.Scope.Name, fits) },
	ScopeVersion:    func(r *plait.LogRecord, fits test) bool { return r.Scope != nil && present(r.Scope.Version, fits) },
}

func (l Leaf) logReader() reader[plait.LogRecord] {
	attributes := l.Field.attributeReader()
	switch l.Field.Name {
	case LogAttribute:
		return func(r *plait.LogRecord, fits test) bool { return attributes(r.Attributes, fits) }
	case ResourceAttribute:
		return func(r *plait.LogRecord, fits test) bool { return ofResource(r.Resource, attributes, fits) }
	case ScopeAttribute:
		return func(r *plait.LogRecord, fits test) bool {
			return r.Scope != nil && attributes(r.Scope.Attributes, fits)
		}
	case LogBody:
		if l.Field.Path != "" {
			path := splitPointer(l.Field.Path)
			return func(r *plait.LogRecord, fits test) bool {
				v, ok := inBody(r.Body, path)
				return ok && fits(v)
			}
		}
	}
	return logReaders[l.Field.Name]
}

// inBody follows a path into a body that is structured, or whose text is JSON.
func inBody(body plait.Value, path []string) (plait.Value, bool) {
	if body.Kind() != plait.KindString {
		return follow(body, path, plaitKeys)
	}
	text := strings.TrimSpace(body.Str())
	if text == "" || text[0] != '{' && text[0] != '[' {
		return plait.Value{}, false
	}
	v, err := canonical.ParseValue(text)
	if err != nil {
		return plait.Value{}, false
	}
	return follow(v, path, foreignKeys)
}

// levels are the values of LogLevel by the range of the severity number.
var levels = [...]string{"trace", "debug", "info", "warn", "error", "fatal"}

// LevelUnknown is the level of a record without a severity.
const LevelUnknown = "unknown"

// Level is what Loki calls detected_level: trace, debug, info, warn, error, critical, fatal or unknown. It
// is the range of the record's severity number, which is filled when records come in from wherever they
// tell it. A record whose severity text says so is critical, for which OTLP has no range.
func Level(r *plait.LogRecord) string {
	if t := r.SeverityText; len(t) >= 4 && len(t) <= 8 && strings.EqualFold(t[:4], "crit") && plait.ParseSeverity(t) != 0 {
		return "critical"
	}
	if r.Severity < 1 || r.Severity > 24 {
		return LevelUnknown
	}
	return levels[(r.Severity-1)/4]
}
