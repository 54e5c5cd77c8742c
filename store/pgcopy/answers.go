package pgcopy

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// sent is a statement whose answer was not read yet.
type sent struct {
	statement string
	rows      int // of a COPY
	tag       string
	err       error
}

// nothing is no statement, as an index.
const nothing = -1

// check says what is wrong with the answer to a statement.
func (s *sent) check() error {
	err := s.err
	if want := fmt.Sprintf("COPY %d", s.rows); err == nil && s.rows > 0 && s.tag != want {
		err = fmt.Errorf("the answer is %q", s.tag)
	}
	if err != nil && s.rows > 0 {
		return fmt.Errorf("copy %d rows into %s: %w", s.rows, tableOf(s.statement), err)
	}
	return err
}

// tableOf is the table of a COPY statement.
func tableOf(statement string) string {
	table, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(statement), "COPY "), " ")
	return table
}

// answers reads what Postgres says to what was sent, of which commit is the COMMIT that ends it. An error tells what became
// of the rows, or that the connection broke before that was known.
func (s *Stream) answers(commit int) error {
	if s.out == nil {
		return s.err
	}
	whole := s.written.bytes + s.out.Buffered() // once so much is written, so is the COMMIT
	read := 0
	broken := s.bounded(func() error {
		err := s.write(&pgproto3.Sync{})
		if err == nil {
			err = s.out.Flush()
		}
		if err != nil {
			return fmt.Errorf("send rows: %w", err)
		}
		read, err = s.read()
		return err
	})
	s.giveBack()
	all := s.sent
	s.sent = nil
	err := verdict(all, read, commit)
	switch {
	case err != nil:
		s.outlive(err)
		return err
	case broken != nil && commit != nothing && s.written.bytes >= whole:
		return errors.Join(ErrCommitUnknown, broken)
	}
	return broken
}

// verdict is what the answers say, of which so many were read.
func verdict(all []sent, read, commit int) error {
	for i := range all {
		if i >= read && all[i].err == nil { // no answer
			return nil
		}
		err := all[i].check()
		if i == commit && err == nil && all[i].tag != "COMMIT" { // Postgres answers ROLLBACK when the transaction had failed
			return errors.New("the transaction was rolled back")
		}
		if err == nil {
			continue
		}
		if i == commit || commit != nothing && all[i].err == nil { // nothing kept Postgres from the COMMIT
			err = errors.Join(ErrCommitUnknown, err)
		}
		return err
	}
	return nil
}

// read reads answers up to where Postgres is ready for more, and returns how many statements have one. When the
// connection breaks, that is an error.
func (s *Stream) read() (read int, err error) {
	for {
		m, err := s.conn.PgConn().ReceiveMessage(context.Background()) // bounded has set a deadline
		if err != nil {
			if last, ok := errors.AsType[*pgconn.PgError](err); ok && read < len(s.sent) { // after which Postgres closes the connection
				s.sent[read].err = last
			}
			return read, fmt.Errorf("read the answer to rows: %w", err)
		}
		switch m := m.(type) {
		case *pgproto3.CommandComplete:
			if read < len(s.sent) {
				s.sent[read].tag = string(m.CommandTag)
			}
			read++
		case *pgproto3.ErrorResponse:
			if read < len(s.sent) {
				s.sent[read].err = pgconn.ErrorResponseToPgError(m)
			}
		case *pgproto3.ReadyForQuery:
			return read, nil
		}
	}
}

// preparedStatements are those that streams have prepared on a connection.
type preparedStatements map[string]*pgconn.StatementDescription

// prepared returns a statement that is prepared on the connection. To prepare it, what was sent before has to be answered.
func (s *Stream) prepared(statement string) (*pgconn.StatementDescription, error) {
	const key = "plait streams"
	known, ok := s.conn.PgConn().CustomData()[key].(preparedStatements)
	if !ok {
		known = make(preparedStatements)
		s.conn.PgConn().CustomData()[key] = known
	}
	if description, ok := known[statement]; ok {
		return description, nil
	}
	if err := s.answers(nothing); err != nil {
		return nil, err
	}
	for _, sql := range []string{statement, commitSQL} { // so that a COMMIT never waits for what was sent before it
		description, err := s.conn.Prepare(s.ctx, sql, sql)
		if err != nil {
			return nil, fmt.Errorf("prepare a statement: %w", err)
		}
		known[sql] = description
	}
	return known[statement], nil
}

// outlive closes a connection whose prepared statements a migration has overtaken, or a pooler forgotten.
func (s *Stream) outlive(err error) {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if ok && (e.Code == pgerrcode.FeatureNotSupported || e.Code == pgerrcode.InvalidSQLStatementName) {
		s.abandon()
	}
}
