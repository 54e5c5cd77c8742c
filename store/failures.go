package store

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/pgerror"
)

// isNoPartition says whether a row found no partition, which Postgres reports as the violation
// of a constraint without a name.
func isNoPartition(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == "23514" && e.ConstraintName == ""
}

// blamesData says whether writing the same rows again would fail again.
func blamesData(err error) bool {
	if errors.Is(err, plait.ErrInvalid) {
		return true
	}
	code := pgerror.Code(err)
	switch {
	case isNoPartition(err):
		return false
	case strings.HasPrefix(code, "22"), // data exception
		strings.HasPrefix(code, "23"), // integrity constraint violation
		strings.HasPrefix(code, "54"), // program limit exceeded: a row or field too large
		code == "42804",               // datatype mismatch
		code == "08P01":               // a COPY stream that the server could not read
		return true
	}
	return false
}

// startsAfresh says whether nothing was committed and a second attempt, on another connection
// if need be, may well succeed.
func startsAfresh(err error) bool {
	if errors.Is(err, errCommitUnknown) || errors.Is(err, plait.ErrInvalid) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return false
	}
	code := pgerror.Code(err)
	return code == "" || // the connection broke
		isNoPartition(err) ||
		strings.HasPrefix(code, "40") || // deadlock, serialization
		code == "57P01" || // the session was terminated
		code == "26000" || code == "0A000" // a cached statement was overtaken by a migration
}

// kindOf gives an error of the write path its kind: the data is at fault, or the database
// cannot take it for the moment. Anything else has no kind, and senders repeat it.
func kindOf(err error) error {
	if errors.Is(err, plait.ErrInvalid) || errors.Is(err, plait.ErrUnavailable) {
		return err
	}
	if blamesData(err) {
		return errors.Join(plait.ErrInvalid, err)
	}
	code := pgerror.Code(err)
	if code == "" { // the connection broke, or time was up
		return errors.Join(plait.ErrUnavailable, err)
	}
	switch code[:2] {
	case "08", // connection
		"25", // read-only: a standby, or a server that is being switched over
		"40", // deadlock, serialization
		"53", // disk, memory or connections used up
		"55", // lock not available
		"57", // shutting down, starting up, cancelled
		"58": // input or output failed
		return errors.Join(plait.ErrUnavailable, err)
	}
	return err
}
