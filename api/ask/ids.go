package ask

import (
	"errors"
	"strconv"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/tracecontext"
)

// TraceID is a trace id as a user has it. Some spellings can be read in two ways (16 digits are
// hexadecimal or decimal), so all readings are kept, the likeliest first.
type TraceID []plait.TraceID

// UnmarshalText reads any spelling of package tracecontext.
func (t *TraceID) UnmarshalText(text []byte) error {
	for _, c := range tracecontext.ParseAll(string(text)) {
		*t = append(*t, c.TraceID)
	}
	if len(*t) == 0 {
		_, err := tracecontext.Parse(string(text))
		return err
	}
	return nil
}

// FirstFound asks with each reading of an id until one is found. What names that of which nothing
// is stored when none is.
func FirstFound[T any](readings TraceID, what string, ask func(plait.TraceID) (T, error)) (T, error) {
	var tried []string
	for _, id := range readings {
		answer, err := ask(id)
		if !errors.Is(err, plait.ErrNotFound) {
			return answer, err
		}
		tried = append(tried, id.String())
	}
	var none T
	return none, plait.Errorf(plait.ErrNotFound, "no %s of trace %s is stored", what, strings.Join(tried, " or "))
}

// SpanID is a span id as a user has it.
type SpanID plait.SpanID

// hexDigits is the length of a span id in hexadecimal.
const hexDigits = 2 * len(plait.SpanID{})

// UnmarshalText reads up to 16 hex digits, a decimal number (Datadog, Google Cloud) or a spelling
// of trace and span together. Digits alone are hexadecimal when there are 16 of them or a 0x
// before them.
func (s *SpanID) UnmarshalText(text []byte) error {
	id := strings.TrimSpace(string(text))
	digits, prefixed := tracecontext.CutHexPrefix(id)
	decimal := !prefixed && strings.Trim(id, "0123456789") == "" && len(id) != hexDigits
	base := 16
	if decimal {
		base = 10
	}
	n, err := strconv.ParseUint(digits, base, 64)
	if err == nil {
		*s = SpanID(plait.SpanIDFromInt64(int64(n)))
	} else if c, parseErr := tracecontext.Parse(id); parseErr == nil && !c.SpanID.IsZero() {
		*s, err = SpanID(c.SpanID), nil
	}
	if err != nil || plait.SpanID(*s).IsZero() {
		return plait.Errorf(plait.ErrInvalid, "%q is no span id: want 16 hex digits, a decimal number, or a traceparent", id)
	}
	return nil
}
