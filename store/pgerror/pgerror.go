// Package pgerror tells what an error of the database means for whoever reads from it. It is
// shared by the halves of the store, and knows nothing of what they read.
package pgerror

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"

	"github.com/jackc/pgerrcode"
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

// InClass says whether a SQLSTATE is in the class of one of others: also one that only newer servers know.
func InClass(code string, others ...string) bool {
	return slices.ContainsFunc(others, func(other string) bool { return code != "" && code[:2] == other[:2] })
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
		case code == pgerrcode.QueryCanceled:
			return fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
		case answersLater(code):
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
	case pgerrcode.InvalidBinaryRepresentation, pgerrcode.BadCopyFileFormat: // what COPY sent has not the form that it expects
		return false
	case pgerrcode.ProgramLimitExceeded: // a row of an index is too large
		return true
	case pgerrcode.CheckViolation: // a CHECK that somebody gave a table; one without a name is a row without a partition
		e, _ := errors.AsType[*pgconn.PgError](err)
		return e.ConstraintName != ""
	}
	return InClass(code, pgerrcode.DataException) // encodings, ranges, JSON
}

// Message is what the server said, without what surrounds it in an error.
func Message(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Message
	}
	return err.Error()
}

// answersLater says whether an error is that of a server that may well answer the same a little later.
func answersLater(code string) bool {
	return InClass(code,
		pgerrcode.ConnectionException,
		pgerrcode.TransactionRollback,   // deadlock, conflict with a standby's recovery
		pgerrcode.InsufficientResources, // disk, memory or connections used up
		pgerrcode.OperatorIntervention,  // shutting down, starting up
		pgerrcode.SystemError)           // input or output failed
}

func unavailable(err error) error { return plait.OfKind(plait.ErrUnavailable, err) }
