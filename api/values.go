package api

import (
	"strconv"
	"strings"

	"github.com/plaithq/plait"
)

// severity is the least severe that is wanted, by name or by number.
type severity plait.SeverityNumber

// UnmarshalText reads a name as of OTLP's ranges, or a severity number.
func (v *severity) UnmarshalText(text []byte) error {
	if n, err := strconv.Atoi(string(text)); err == nil && n >= 1 && n <= 24 {
		*v = severity(n)
		return nil
	}
	n := plait.ParseSeverity(string(text))
	if n == 0 {
		return plait.Errorf(plait.ErrInvalid, "%q is none of trace, debug, info, warn, error, fatal and no number from 1 to 24", text)
	}
	*v = severity(n)
	return nil
}

// status is a span's status.
type status struct{ code *plait.StatusCode }

// UnmarshalText reads unset, ok or error, as labels of metrics spell them, too.
func (s *status) UnmarshalText(text []byte) error {
	for c := plait.StatusUnset; c <= plait.StatusError; c++ {
		if spells(string(text), "STATUS_CODE_", c.String(), int(c)) {
			s.code = &c
			return nil
		}
	}
	return plait.Errorf(plait.ErrInvalid, "%q is none of unset, ok, error", text)
}

// kind is a span's kind.
type kind struct{ kind *plait.SpanKind }

// UnmarshalText reads the name of a kind, as labels of metrics spell it, too.
func (k *kind) UnmarshalText(text []byte) error {
	for one := plait.SpanKindUnspecified; one <= plait.SpanKindConsumer; one++ {
		if spells(string(text), "SPAN_KIND_", one.String(), int(one)) {
			k.kind = &one
			return nil
		}
	}
	return plait.Errorf(plait.ErrInvalid, "%q is none of internal, server, client, producer, consumer, unspecified", text)
}

// spells says whether a text is a value of an enumeration of OTLP: its name in any case, with the prefix of its
// enumeration or without, or its number.
func spells(text, prefix, name string, number int) bool {
	return strings.EqualFold(text, name) || strings.EqualFold(text, prefix+name) || text == strconv.Itoa(number)
}

// attribute is a condition key=value.
type attribute plait.Attribute

// UnmarshalText splits at the first equals sign.
func (a *attribute) UnmarshalText(text []byte) error {
	key, value, ok := strings.Cut(string(text), "=")
	if !ok || key == "" {
		return plait.Errorf(plait.ErrInvalid, "%q is not key=value", text)
	}
	*a = attribute{Key: key, Value: plait.StringValue(value)}
	return nil
}

// level is a range of severity, by its name: the first number of it, 0 for records without one.
type level plait.SeverityNumber

// UnmarshalText reads a name as of OTLP's ranges, or none.
func (v *level) UnmarshalText(text []byte) error {
	if string(text) == "none" {
		*v = 0
		return nil
	}
	n := plait.ParseSeverity(string(text))
	if n == 0 || n%4 != 1 {
		return plait.Errorf(plait.ErrInvalid, "%q is none of trace, debug, info, warn, error, fatal, none", text)
	}
	*v = level(n)
	return nil
}

// joined says whether records with a trace id are wanted, "yes", or those without, "no"; empty for both.
type joined string

// UnmarshalText reads yes or no.
func (v *joined) UnmarshalText(text []byte) error {
	if *v = joined(text); *v != "yes" && *v != "no" {
		return plait.Errorf(plait.ErrInvalid, "%q is neither yes nor no", text)
	}
	return nil
}
