// Package pgerror tells what an error of the database means for whoever reads from it. It is
// shared by the halves of the store, and knows nothing of what they read.
package pgerror

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/plaithq/plait"
)

// Code returns the SQLSTATE of an error that the server sent, or the empty string.
func Code(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// Read gives the failure of a reader its kind: plait.ErrUnavailable when the database is away, is
// starting or stopping, or has no room, so that the same question may be asked again soon;
// context.DeadlineExceeded when the server gave up on a statement that took too long. Anything
// else comes back as it is.
func Read(err error) error {
	if err == nil || errors.Is(err, plait.ErrUnavailable) || errors.Is(err, context.Canceled) {
		return err
	}
	if code := Code(err); code != "" {
		switch {
		case code == "57014": // query_canceled
			return fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
		case answersLater(code[:2]):
			return unavailable(err)
		}
		return err
	}
	// A connection that could not be made in time has run out of another time than the reader's.
	if _, connecting := errors.AsType[*pgconn.ConnectError](err); connecting {
		return unavailable(err)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	_, network := errors.AsType[net.Error](err)
	if network || errors.Is(err, io.ErrUnexpectedEOF) || pgconn.SafeToRetry(err) {
		return unavailable(err)
	}
	return err
}

// IsData says whether an error tells of a value that the server does not take, whatever is done:
// something that only the sender of the value can change. What Plait chooses itself is not among
// them: ids and keys, the form of COPY, the types of columns.
func IsData(err error) bool {
	code := Code(err)
	switch code {
	case "22P03", "22P04": // what COPY sent has not the form that it expects
		return false
	case "54000": // a row of an index is too large
		return true
	case "23514": // a CHECK that somebody gave a table; one without a name is a row without a partition
		e, _ := errors.AsType[*pgconn.PgError](err)
		return e.ConstraintName != ""
	}
	return strings.HasPrefix(code, "22") // data exception: encodings, ranges, JSON
}

// Message is what the server said, without what surrounds it in an error.
func Message(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Message
	}
	return err.Error()
}

// answersLater says whether errors of a class of SQLSTATE are those of a server that may well
// answer the same a little later.
func answersLater(class string) bool {
	switch class {
	case "08", // connection
		"40", // deadlock, conflict with a standby's recovery
		"53", // disk, memory or connections used up
		"57", // shutting down, starting up
		"58": // input or output failed
		return true
	}
	return false
}

func unavailable(err error) error { return fmt.Errorf("%w: %w", plait.ErrUnavailable, err) }
