package pgcopy

import (
	"context"

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
