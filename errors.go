package plait

import "errors"

// Kinds of error. Rooms wrap them with what was being done; one table in each
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
	// ErrUnauthorized marks a request without the token it needs.
	ErrUnauthorized = errors.New("unauthorized")
)
