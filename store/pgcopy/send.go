package pgcopy

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Send copies the rows into a table, given by a COPY … FROM STDIN BINARY statement, and keeps
// them. An error may leave the connection within a failed transaction, or closed.
func (r *Rows) Send(ctx context.Context, conn *pgx.Conn, statement string) error {
	s := Begin(ctx, conn)
	if err := s.Copy(statement, r); err != nil {
		return err
	}
	_, err := s.Conn()
	return err
}

// Flush is Send and, when that went well, Reset.
func (r *Rows) Flush(ctx context.Context, conn *pgx.Conn, statement string) error {
	if err := r.Send(ctx, conn, statement); err != nil {
		return err
	}
	r.Reset()
	return nil
}

// tableOf is the table of a COPY statement.
func tableOf(statement string) string {
	table, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(statement), "COPY "), " ")
	return table
}

// copied is a COPY whose answer was not read yet.
type copied struct {
	statement string
	rows      int
}

// check says what is wrong with the answer to a COPY.
func (c copied) check(a answer) error {
	err := a.err
	if want := fmt.Sprintf("COPY %d", c.rows); err == nil && a.tag != want {
		err = fmt.Errorf("the answer is %q", a.tag)
	}
	if err != nil {
		return fmt.Errorf("copy %d rows into %s: %w", c.rows, tableOf(c.statement), err)
	}
	return nil
}
