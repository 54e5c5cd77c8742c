package commit

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/pgcopy"
	"github.com/plaithq/plait/store/pgerror"
)

// isNoPartition says whether a row found no partition, which Postgres reports as the violation
// of a constraint without a name. Citus passes on what another node said of a COPY, but not the code.
func isNoPartition(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (e.Code == pgerrcode.CheckViolation && e.ConstraintName == "" ||
		e.Code == pgerrcode.InternalError && strings.HasPrefix(e.Message, "no partition of relation"))
}

// A request whose data is at fault is never blamed for an accident of ours: only what its sender
// can change makes it invalid. Everything else is for the sender to repeat.

// blamesData says whether the data is at fault: writing the same rows again would fail again.
func blamesData(err error) bool { return errors.Is(err, plait.ErrInvalid) || pgerror.IsData(err) }

// singlesOut says whether one batch of a group may have brought the failure about, whoever is to
// blame, so that its neighbours fare better without it: the server has answered, and what it says
// is neither about itself, nor about the connection, nor about the schema.
func singlesOut(err error) bool {
	if blamesData(err) {
		return true
	}
	code := pgerror.Code(err)
	return code != "" && !isAccident(code) && !pgerror.InClass(code, pgerrcode.SyntaxErrorOrAccessRuleViolation) && !isNoPartition(err) && !errors.Is(err, pgcopy.ErrCommitUnknown)
}

// isAccident says whether an error tells of the server's state and not of what it was sent.
func isAccident(code string) bool {
	return code != pgerrcode.ProtocolViolation && // a message that the server could not read
		pgerror.InClass(code,
			pgerrcode.ConnectionException,
			pgerrcode.InvalidTransactionState,           // read-only: a standby, or a server that is being switched over
			pgerrcode.InvalidAuthorizationSpecification, // somebody changed the password or the role
			pgerrcode.TransactionRollback,               // deadlock, serialization
			pgerrcode.InsufficientResources,             // disk, memory or connections used up
			pgerrcode.ObjectNotInPrerequisiteState,      // lock not available
			pgerrcode.OperatorIntervention,              // shutting down, starting up, cancelled
			pgerrcode.SystemError)                       // input or output failed
}

// ErrTryAgain is an error after which the writer's next attempt at the same group may succeed.
var ErrTryAgain = errors.New("written again, the group may go through")

// startsAfresh says whether nothing was committed and a second attempt, on another connection
// if need be, may well succeed.
func startsAfresh(err error) bool {
	if errors.Is(err, ErrTryAgain) {
		return true
	}
	if errors.Is(err, pgcopy.ErrCommitUnknown) || errors.Is(err, plait.ErrInvalid) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return false
	}
	code := pgerror.Code(err)
	return code == "" || // the connection broke
		isNoPartition(err) ||
		pgerror.InClass(code, pgerrcode.TransactionRollback) || // deadlock, serialization
		code == pgerrcode.UniqueViolation || // two gateways drew the same id
		code == pgerrcode.AdminShutdown || // the session was terminated
		code == pgerrcode.InvalidSQLStatementName || code == pgerrcode.FeatureNotSupported // a cached statement was overtaken by a migration
}

// wantsCare says whether a group that failed in haste is to be written again with care: Postgres refused it, and what it
// found may be a repeat, an id that stands for another content, or rows that wait for a trace, none of which is anybody's fault.
func wantsCare(err error) bool {
	return pgerror.Code(err) != "" && !isNoPartition(err) && !errors.Is(err, pgcopy.ErrCommitUnknown)
}

// KindOf gives an error of the write path its kind: the data is at fault, or the database
// cannot take it for the moment. Anything else has no kind, and senders repeat it.
func KindOf(err error) error {
	if errors.Is(err, plait.ErrInvalid) || errors.Is(err, plait.ErrUnavailable) || errors.Is(err, plait.ErrOverloaded) {
		return err
	}
	if blamesData(err) {
		return plait.OfKind(plait.ErrInvalid, err)
	}
	code := pgerror.Code(err)
	if code == "" || isAccident(code) { // without a code the connection broke, or time was up
		return plait.OfKind(plait.ErrUnavailable, err)
	}
	return err
}
