package pgcopy

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
)

// Send copies the rows into a table, given by a COPY … FROM STDIN BINARY statement, and keeps
// them. An error may leave the connection within a failed transaction, or closed.
func (r *Rows) Send(ctx context.Context, conn *pgx.Conn, statement string) error {
	if r.Count == 0 {
		return nil
	}
	r.Bytes = binary.BigEndian.AppendUint16(r.Bytes, math.MaxUint16) // the trailer
	lent := &loan{bytes: r.Bytes}
	tag, err := conn.PgConn().CopyFrom(ctx, lent, statement)
	lent.end()
	r.Bytes = r.Bytes[:len(r.Bytes)-2]
	if err == nil && tag.RowsAffected() != int64(r.Count) {
		err = fmt.Errorf("only %d arrived", tag.RowsAffected())
	}
	if err != nil {
		table, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(statement), "COPY "), " ")
		return fmt.Errorf("copy %d rows into %s: %w", r.Count, table, err)
	}
	return nil
}

// Flush is Send and, when that went well, Reset.
func (r *Rows) Flush(ctx context.Context, conn *pgx.Conn, statement string) error {
	if err := r.Send(ctx, conn, statement); err != nil {
		return err
	}
	r.Reset()
	return nil
}

// loan reads bytes that belong to somebody else until the loan ends. CopyFrom reads in a
// goroutine of its own, and does not wait for it when the connection breaks: without this it
// would read rows while the next ones are written over them.
type loan struct {
	mu    sync.Mutex
	bytes []byte
}

func (l *loan) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.bytes) == 0 {
		return 0, io.EOF
	}
	n := copy(p, l.bytes)
	l.bytes = l.bytes[n:]
	return n, nil
}

// end waits for a Read that is under way and makes those to come find nothing.
func (l *loan) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bytes = nil
}
