package pgerror_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/goleak"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/pgerror"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRead(t *testing.T) {
	t.Parallel()
	// A port that nobody listens on, and a peer that never answers.
	refused, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := refused.Close(); err != nil {
		t.Fatal(err)
	}
	silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	connect := func(l net.Listener, options string) error {
		_, err := pgconn.Connect(t.Context(), fmt.Sprintf("postgres://plait@%s/plait?sslmode=disable%s", l.Addr(), options))
		return err
	}
	server := func(code string) error { return fmt.Errorf("select: %w", &pgconn.PgError{Code: code}) }
	for name, c := range map[string]struct{ err, kind error }{
		"nothing":                 {nil, nil},
		"nobody listens":          {connect(refused, ""), plait.ErrUnavailable},
		"nobody answers":          {connect(silent, "&connect_timeout=1"), plait.ErrUnavailable},
		"broken off":              {io.ErrUnexpectedEOF, plait.ErrUnavailable},
		"starting up":             {server("57P03"), plait.ErrUnavailable},
		"session terminated":      {server("57P01"), plait.ErrUnavailable},
		"too many connections":    {server("53300"), plait.ErrUnavailable},
		"statement timeout":       {server("57014"), context.DeadlineExceeded},
		"the reader's time":       {fmt.Errorf("select: %w", context.DeadlineExceeded), context.DeadlineExceeded},
		"the reader went":         {context.Canceled, context.Canceled},
		"a statement of no sense": {server("42601"), nil},
		"something else":          {errors.New("of no kind"), nil},
	} {
		got := pgerror.Read(c.err)
		if (got == nil) != (c.err == nil) || c.err != nil && !errors.Is(got, c.err) {
			t.Errorf("%s: %v has lost %v", name, got, c.err)
		}
		if is := errors.Is(got, plait.ErrUnavailable); is != errors.Is(c.kind, plait.ErrUnavailable) {
			t.Errorf("%s: %v is unavailable: %v", name, got, is)
		}
		// Making a connection has a deadline of its own, which stays visible.
		if is := errors.Is(got, context.DeadlineExceeded); is != errors.Is(c.kind, context.DeadlineExceeded) && !errors.Is(got, plait.ErrUnavailable) {
			t.Errorf("%s: %v ran out of time: %v", name, got, is)
		}
	}
}
