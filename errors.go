package plait

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Kinds of error. Rooms make errors of a kind by Errorf and OfKind, so that it stands beside the text; one table in each
// dialect (HTTP problem, OTLP answer, remote write answer) turns a kind into an
// answer. An error of no kind is retryable on the way in and a 500 on the way out.
var (
	// ErrInvalid marks input that will never be accepted as it is.
	ErrInvalid = errors.New("invalid input")
	// ErrNotFound marks a question whose answer does not exist.
	ErrNotFound = errors.New("not found")
	// ErrTooLarge marks input above a limit.
	ErrTooLarge = errors.New("too large")
	// ErrOverloaded asks the sender to come back later: memory or time is used up.
	ErrOverloaded = errors.New("overloaded")
	// ErrUnavailable says that the database cannot be reached or is not ready.
	ErrUnavailable = errors.New("unavailable")
	// ErrReadOnly goes with ErrUnavailable where the database answers and takes no writes.
	ErrReadOnly = errors.New("the database takes no writes, it answers questions only")
	// ErrUnauthorized marks a request without the token it needs.
	ErrUnauthorized = errors.New("unauthorized")
)

// Errorf makes an error of a kind from a format, as fmt.Errorf does. Its text is for whoever can
// mend the cause: it says what is wrong, where, and what to do. The kind is not a part of the text.
func Errorf(kind error, format string, args ...any) error {
	return &kindError{kind: kind, err: fmt.Errorf(format, args...)}
}

// OfKind gives an error a kind. Its text stays as it is.
func OfKind(kind, err error) error { return &kindError{kind: kind, err: err} }

type kindError struct{ kind, err error }

func (e *kindError) Error() string   { return e.err.Error() }
func (e *kindError) Unwrap() []error { return []error{e.kind, e.err} }

// maxMessage bounds what Message returns, in bytes: some clients take no more than 8 KiB of
// headers, in which gRPC sends it twice.
const maxMessage = 1 << 10

// SettingError says that a setting cannot be used. It is ErrInvalid.
type SettingError struct {
	Field   string // of the room's configuration: "MaxBodyBytes"
	Problem string // what is wrong with its value, and what would be right
}

func (e *SettingError) Error() string { return e.Field + ": " + e.Problem }

// Unwrap returns ErrInvalid.
func (e *SettingError) Unwrap() error { return ErrInvalid }

// Message is what an error says to whoever sent or asked what led to it: one line of at most
// 1 KiB. Its kind is not a part of it, and is what the answer's code says. Of what a database server said
// nothing is told: its tables and statements mean nothing to a sender.
func Message(err error) string {
	var server interface{ SQLState() string }
	if errors.As(err, &server) {
		return "the database cannot hold a value of this request"
	}
	return OneLine(err.Error(), maxMessage)
}

// OneLine makes a text fit for a line of an answer: valid UTF-8 without line breaks and other
// control characters, of at most limit bytes.
func OneLine(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text[:min(len(text), 4*limit)])
	text = strings.ToValidUTF8(strings.TrimSpace(text), "\ufffd")
	if len(text) <= limit {
		return text
	}
	const more = "…"
	end := limit - len(more)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + more
}
