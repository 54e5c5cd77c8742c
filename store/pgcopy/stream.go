package pgcopy

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// Stream sends rows to several tables, and the COMMIT after them, without waiting for Postgres in between. Its
// answers are read together. With pgx each COPY and the COMMIT wait for an answer, with two goroutines more for a COPY: for some dozen
// rows that costs the gateway and Postgres as much as the rows.
//
// Postgres reads what is sent while it works, and answers with some bytes for each statement, so neither waits for the
// other for ever. When a COPY fails, Postgres skips its data, and the statements after it fail or, as COMMIT, roll back.
type Stream struct {
	ctx  context.Context // of the transaction
	conn *pgx.Conn
	out  *bufio.Writer // nil: nothing is sent that was not answered
	sent []copied
	err  error // of the connection, which is closed then
}

// ErrCommitUnknown marks a COMMIT without an answer: it may or may not have happened.
var ErrCommitUnknown = errors.New("the answer to COMMIT got lost")

const (
	chunk = 64 << 10 // of rows in one message: Postgres holds it in memory
	// cancelTimeout bounds the attempt to tell Postgres that nobody waits any more.
	cancelTimeout = time.Second
)

var buffers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, chunk) }}

// Begin starts a stream on a connection that nobody else uses until its end, which is Conn or Commit. What
// takes longer than the context allows closes the connection.
func Begin(ctx context.Context, conn *pgx.Conn) *Stream {
	return &Stream{ctx: ctx, conn: conn}
}

// Copy sends rows to a table, given by a COPY … FROM STDIN BINARY statement, and keeps them. It does not wait for the answer.
func (s *Stream) Copy(statement string, rows *Rows) error {
	if rows.Count == 0 {
		return nil
	}
	return s.send(func(out *bufio.Writer) error {
		s.sent = append(s.sent, copied{statement, rows.Count})
		if err := writeMessage(out, &pgproto3.Query{String: statement}); err != nil {
			return err
		}
		for data := rows.Bytes; len(data) > 0; {
			n := min(len(data), chunk)
			if err := writeData(out, data[:n]); err != nil {
				return err
			}
			data = data[n:]
		}
		if err := writeData(out, binary.BigEndian.AppendUint16(nil, math.MaxUint16)); err != nil { // the trailer
			return err
		}
		return writeMessage(out, &pgproto3.CopyDone{})
	})
}

// Conn reads the answers to what was sent, and returns the connection for other statements.
func (s *Stream) Conn() (*pgx.Conn, error) {
	if _, err := s.answers(0); err != nil {
		return nil, err
	}
	return s.conn, nil
}

// Commit commits the transaction, and reads all answers. An error that wraps ErrCommitUnknown leaves open whether
// it is committed; after any other it is not.
func (s *Stream) Commit() error {
	err := s.send(func(out *bufio.Writer) error {
		if err := writeMessage(out, &pgproto3.Query{String: "COMMIT"}); err != nil {
			return err
		}
		return out.Flush()
	})
	if err != nil { // COMMIT is the last that is sent, so it was not sent whole
		return err
	}
	last, err := s.answers(1)
	switch {
	case err != nil:
		return err
	case last[0].err != nil:
		return errors.Join(ErrCommitUnknown, last[0].err)
	case last[0].tag != "COMMIT": // Postgres answers ROLLBACK when the transaction had failed
		return errors.New("the transaction was rolled back")
	}
	return nil
}

// Discard reads the answers to what was sent, whatever they are.
func (s *Stream) Discard() { _, _ = s.answers(0) }

// send lets write use the buffer, and closes the connection when that goes wrong.
func (s *Stream) send(write func(*bufio.Writer) error) error {
	if s.err != nil {
		return s.err
	}
	if s.out == nil {
		s.out = buffers.Get().(*bufio.Writer)
		s.out.Reset(s.conn.PgConn().Conn())
	}
	return s.bounded(func() error { return write(s.out) })
}

// bounded runs what writes or reads no longer than the context allows.
func (s *Stream) bounded(do func() error) error {
	if s.err = s.ctx.Err(); s.err == nil {
		wire := s.conn.PgConn().Conn()
		stop := context.AfterFunc(s.ctx, func() { _ = wire.SetDeadline(time.Unix(1, 0)) })
		s.err = do()
		if !stop() {
			s.err = context.Cause(s.ctx) // the deadline stands, or is about to
		}
	}
	if s.err != nil {
		s.abandon()
	}
	return s.err
}

// abandon closes a connection on which something is under way.
func (s *Stream) abandon() {
	s.giveBack()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), cancelTimeout)
	defer cancel()
	if s.ctx.Err() != nil && !s.conn.IsClosed() {
		_ = s.conn.PgConn().CancelRequest(ctx)
	}
	_ = s.conn.Close(ctx)
}

func (s *Stream) giveBack() {
	if s.out != nil {
		s.out.Reset(nil)
		buffers.Put(s.out)
		s.out = nil
	}
}

// answer is what Postgres says to one statement.
type answer struct {
	tag string
	err error
}

// answers reads what Postgres says to what was sent, and to so many statements more, which it returns. An
// error tells what became of the rows, or that the connection broke before that was known.
func (s *Stream) answers(more int) ([]answer, error) {
	if s.out == nil {
		return nil, s.err
	}
	all := make([]answer, len(s.sent)+more)
	read := 0
	broken := s.bounded(func() (err error) {
		for err = s.out.Flush(); err == nil && read < len(all); {
			if err = s.answer(&all[read]); err == nil {
				read++
			}
		}
		return err
	})
	s.giveBack()
	sent := s.sent
	s.sent = nil
	for i, c := range sent {
		if i >= read && all[i].err == nil { // no answer
			break
		}
		if err := c.check(all[i]); err != nil {
			if all[i].err == nil && more > 0 { // nothing kept Postgres from the COMMIT
				err = errors.Join(ErrCommitUnknown, err)
			}
			return nil, err
		}
	}
	if broken != nil && more > 0 {
		return nil, errors.Join(ErrCommitUnknown, broken)
	}
	return all[len(sent):], broken
}

// answer reads the answer to one statement, up to where Postgres is ready for the next. It returns an error
// when the connection breaks.
func (s *Stream) answer(a *answer) error {
	for {
		m, err := s.conn.PgConn().ReceiveMessage(context.Background()) // bounded has set a deadline
		if err != nil {
			if last, ok := errors.AsType[*pgconn.PgError](err); ok { // after which Postgres closes the connection
				a.err = last
			}
			return fmt.Errorf("read the answer to rows: %w", err)
		}
		switch m := m.(type) {
		case *pgproto3.CommandComplete:
			a.tag = string(m.CommandTag)
		case *pgproto3.ErrorResponse:
			a.err = pgconn.ErrorResponseToPgError(m)
		case *pgproto3.ReadyForQuery:
			return nil
		}
	}
}

func writeMessage(out *bufio.Writer, m pgproto3.FrontendMessage) error {
	bytes, err := m.Encode(nil)
	if err == nil {
		_, err = out.Write(bytes)
	}
	return err
}

// writeData writes a message of COPY's data.
func writeData(out *bufio.Writer, data []byte) error {
	head := [5]byte{'d'}
	binary.BigEndian.PutUint32(head[1:], uint32(len(data)+4))
	if _, err := out.Write(head[:]); err != nil {
		return err
	}
	_, err := out.Write(data)
	return err
}
