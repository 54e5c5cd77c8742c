// Package outbox keeps what goes on to other systems in Postgres, from the commit of its records until every target has it: a commit leaves
// its records here in its own transaction, one gateway at a time numbers what is committed, and each target's cursor is a number
// (docs/decisions/043-an-outbox-in-the-commit.md). What records look like in it is the encoding's business.
package outbox

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/pgerror"
)

// Signal says of what kind records are. Tables hold these numbers.
type Signal int16

// The signals.
const (
	Traces  Signal = 1
	Logs    Signal = 2
	Metrics Signal = 3
)

// Signals lists them.
func Signals() []Signal { return []Signal{Traces, Logs, Metrics} }

func (s Signal) String() string {
	switch s {
	case Traces:
		return "traces"
	case Logs:
		return "logs"
	default:
		return "metrics"
	}
}

// Encoding makes the bytes of records, of all parts together. A signal whose function is nil cannot be forwarded.
type Encoding struct {
	Traces  func(parts ...[]plait.Span) []byte
	Logs    func(parts ...[]plait.LogRecord) []byte
	Metrics func(known plait.Describe, parts ...[]plait.SeriesData) []byte
}

// Outbox is the outbox of a database. Its methods may be called concurrently.
type Outbox struct {
	pool   *pgxpool.Pool
	wanted [Metrics + 1]atomic.Bool
}

// New makes it. Nothing is wanted until Refresh has asked.
func New(pool *pgxpool.Pool) *Outbox { return &Outbox{pool: pool} }

// Wanted says whether some target waits for a signal, as far as this gateway knows: it asks every few seconds.
func (o *Outbox) Wanted(s Signal) bool { return o.wanted[s].Load() }

const wantedSQL = `SELECT DISTINCT signal FROM plait_store.forward_target`

// Refresh asks which signals some target waits for, on whatever gateway it is set.
func (o *Outbox) Refresh(ctx context.Context) error {
	rows, err := o.pool.Query(ctx, wantedSQL)
	if err != nil {
		return fmt.Errorf("ask for the targets of forwarding: %w", pgerror.Read(err))
	}
	signals, err := pgx.CollectRows(rows, pgx.RowTo[int16])
	if err != nil {
		return fmt.Errorf("ask for the targets of forwarding: %w", pgerror.Read(err))
	}
	found := map[Signal]bool{}
	for _, s := range signals {
		found[Signal(s)] = true
	}
	for _, s := range Signals() {
		o.wanted[s].Store(found[s])
	}
	return nil
}
