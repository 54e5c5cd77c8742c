package ingest

import (
	"context"

	"github.com/plaithq/plait"
)

// Writer makes batches durable. Its promise is Plait's promise to senders:
//
//   - A nil error means that the batch is committed, with synchronous_commit on. Receipt says
//     whether an earlier request had brought the same batch; then nothing was stored again.
//   - An error means one thing: the same batch may be sent again. A commit whose answer got lost
//     is an error too. plait.ErrInvalid says that sending again will not help; plait.ErrOverloaded
//     and plait.ErrUnavailable, and every error of no kind, that it may.
//   - A bad batch never fails another one.
//   - The batch and the bytes that it aliases belong to the Writer until it returns, on every
//     path, and to the caller afterwards.
//
// A Write ends early when ctx does. Methods are called by many goroutines at once.
type Writer interface {
	WriteTraces(ctx context.Context, t *plait.Traces) (plait.Receipt, error)
	WriteLogs(ctx context.Context, l *plait.Logs) (plait.Receipt, error)
	WriteMetrics(ctx context.Context, m *plait.Metrics) (plait.Receipt, error)
}

// LimitObserver is told what limits do.
type LimitObserver interface {
	// NoteLimited is told of each request of which a limit was in force, once the rest of it is committed. l.From and l.To are
	// the time of that. It returns at once, and is called by many goroutines.
	NoteLimited(l plait.Limited)
}

// SpanObserver is told of spans once they are committed and only if they were not there
// before, so that what it derives from them (exemplars) points to traces that exist.
type SpanObserver interface {
	// ObserveSpans returns soon: the sender's answer waits for it. The spans and their strings
	// are valid until it returns; what is kept longer is cloned. It is called by many
	// goroutines at once.
	ObserveSpans(spans []plait.Span)
}
