package pgcopy

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
)

// Stream sends statements and the rows of several tables, and the COMMIT after them, without waiting for Postgres in
// between. Its answers are read together. With pgx each COPY and the COMMIT wait for an answer, with two goroutines more for a
// COPY: for some dozen rows that costs the gateway and Postgres as much as the rows.
//
// All of it is prepared statements between two Syncs of the extended protocol, a COPY too: Postgres parses each
// once for a connection, and keeps its answers to itself until it is asked, but for those before a COPY begins. So neither side
// is woken for each statement.
//
// Postgres reads what is sent while it works, and answers with some bytes for each statement, so neither waits for the
// other for ever. When a statement fails, Postgres skips what follows, rows and COMMIT too, up to the Sync.
type Stream struct {
	ctx       context.Context // of the transaction
	conn      *pgx.Conn
	out       *bufio.Writer // nil: nothing is sent that was not answered
	written   counter       // below out
	sent      []sent
	arguments pgx.ExtendedQueryBuilder
	message   []byte
	err       error // of the connection, which is closed then
}

// ErrCommitUnknown marks a COMMIT without an answer: it may or may not have happened.
var ErrCommitUnknown = errors.New("the answer to COMMIT got lost")

const commitSQL = `COMMIT`

const (
	chunk = 64 << 10 // of rows in one message: Postgres holds it in memory
	// cancelTimeout bounds the attempt to tell Postgres that nobody waits any more.
	cancelTimeout = time.Second
)

var buffers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, chunk) }}

// counter counts what was written to a connection.
type counter struct {
	to    io.Writer
	bytes int
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.bytes += n
	return n, err
}

// Begin starts a stream on a connection that nobody else uses until its end, which is Conn or Commit. What
// takes longer than the context allows closes the connection.
func Begin(ctx context.Context, conn *pgx.Conn) *Stream {
	return &Stream{ctx: ctx, conn: conn}
}

// Exec sends a statement whose rows, if it has any, nobody asks for. It does not wait for the answer.
func (s *Stream) Exec(statement string, arguments ...any) error {
	return s.execute(sent{statement: statement}, arguments...)
}

// Copy sends rows to a table, given by a COPY … FROM STDIN BINARY statement, and keeps them. It does not wait for the answer.
func (s *Stream) Copy(statement string, rows *Rows) error {
	if rows.Count == 0 {
		return nil
	}
	if err := s.execute(sent{statement: statement, rows: rows.Count}); err != nil {
		return err
	}
	return s.send(func(out *bufio.Writer) error {
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
		return s.write(&pgproto3.CopyDone{})
	})
}

// execute sends a statement, prepared.
func (s *Stream) execute(what sent, arguments ...any) error {
	prepared, err := s.prepared(what.statement)
	if err != nil {
		return err
	}
	if err := s.arguments.Build(s.conn.TypeMap(), prepared, arguments); err != nil {
		return fmt.Errorf("encode the arguments of a statement: %w", err)
	}
	return s.send(func(*bufio.Writer) error {
		s.sent = append(s.sent, what)
		if err := s.write(&pgproto3.Bind{
			PreparedStatement: prepared.Name, ParameterFormatCodes: s.arguments.ParamFormats, Parameters: s.arguments.ParamValues,
		}); err != nil {
			return err
		}
		return s.write(&pgproto3.Execute{})
	})
}

// Conn reads the answers to what was sent, and returns the connection for other statements.
func (s *Stream) Conn() (*pgx.Conn, error) {
	if err := s.answers(nothing); err != nil {
		return nil, err
	}
	return s.conn, nil
}

// Commit commits the transaction, and reads all answers. An error that wraps ErrCommitUnknown leaves open whether
// it is committed; after any other it is not.
func (s *Stream) Commit() error {
	if err := s.execute(sent{statement: commitSQL}); err != nil { // it was not sent whole
		return err
	}
	return s.answers(len(s.sent) - 1)
}

// Discard reads the answers to what was sent, whatever they are.
func (s *Stream) Discard() { _ = s.answers(nothing) }

// send lets write use the buffer, and closes the connection when that goes wrong.
func (s *Stream) send(write func(*bufio.Writer) error) error {
	if s.err != nil {
		return s.err
	}
	if s.out == nil {
		s.written = counter{to: s.conn.PgConn().Conn()}
		s.out = buffers.Get().(*bufio.Writer)
		s.out.Reset(&s.written)
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

// write writes a message to the buffer.
func (s *Stream) write(m pgproto3.FrontendMessage) (err error) {
	if s.message, err = m.Encode(s.message[:0]); err == nil {
		_, err = s.out.Write(s.message)
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
