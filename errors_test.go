package plait_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/plaithq/plait"
)

// serverError is an error as drivers return those of a database server.
type serverError struct{}

func (serverError) Error() string    { return "ERROR: relation plait_store.span (SQLSTATE 22003)" }
func (serverError) SQLState() string { return "22003" }

func TestMessagesAreForTheirReaders(t *testing.T) {
	t.Parallel()
	parse := errors.New("1:5: parse error")
	for _, c := range []struct {
		err  error
		want string
	}{
		{plait.Errorf(plait.ErrInvalid, "read PromQL: %w", parse), "read PromQL: 1:5: parse error"},
		{fmt.Errorf("parameter query: %w", plait.Errorf(plait.ErrInvalid, "read PromQL: %w", parse)), "parameter query: read PromQL: 1:5: parse error"},
		{plait.OfKind(plait.ErrInvalid, parse), "1:5: parse error"},
		{plait.OfKind(plait.ErrTooLarge, errors.New("two\nlines\x00")), "two lines"},
		{plait.ErrOverloaded, "overloaded"},
		{fmt.Errorf("write 8 spans: %w", plait.OfKind(plait.ErrInvalid, fmt.Errorf("copy 8 rows into plait_store.span: %w", serverError{}))), "the database cannot hold a value of this request"},
		{&plait.SettingError{Field: "MaxBodyBytes", Problem: "0 is not more than 0"}, "MaxBodyBytes: 0 is not more than 0"},
	} {
		if got := plait.Message(c.err); got != c.want {
			t.Errorf("%q says %q, want %q", c.err, got, c.want)
		}
	}
}

func TestAnErrorKeepsItsKindAndCause(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	err := fmt.Errorf("outside: %w", plait.Errorf(plait.ErrOverloaded, "inside: %w", cause))
	if !errors.Is(err, plait.ErrOverloaded) || !errors.Is(err, cause) || errors.Is(err, plait.ErrInvalid) {
		t.Errorf("%v is of another kind", err)
	}
	if got := err.Error(); got != "outside: inside: cause" {
		t.Errorf("got %q", got)
	}
}

func TestMessagesAreBounded(t *testing.T) {
	t.Parallel()
	got := plait.Message(plait.Errorf(plait.ErrInvalid, "%s", strings.Repeat("ä\xff\n", 100_000)))
	if len(got) > 1<<10 || !utf8.ValidString(got) || strings.ContainsAny(got, "\n") || !strings.HasSuffix(got, "…") {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}
