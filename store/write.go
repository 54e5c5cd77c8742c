package store

import (
	"context"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/logs"
	"github.com/plaithq/plait/store/outbox"
	"github.com/plaithq/plait/store/spans"
	"github.com/plaithq/plait/store/traceid"
)

// WriteTraces stores the spans of one request. It returns nil only after they are committed;
// any error means that the same request may be sent again, except one that wraps
// plait.ErrInvalid, after which that would be in vain. The batch and what it aliases belong to
// the store until then. Half trace ids become whole ones in it (package traceid).
func (s *Store) WriteTraces(ctx context.Context, traces *plait.Traces) (plait.Receipt, error) {
	s.ids.Complete(ctx, traceid.Halved(len(traces.Spans), func(i int) *plait.TraceID { return &traces.Spans[i].TraceID }))
	return s.traces.Submit(ctx, (*spans.Batch)(traces))
}

// WriteLogs stores the log records of one request, as WriteTraces stores spans.
func (s *Store) WriteLogs(ctx context.Context, records *plait.Logs) (plait.Receipt, error) {
	s.ids.Complete(ctx, traceid.Halved(len(records.Records), func(i int) *plait.TraceID { return &records.Records[i].TraceID }))
	return s.logs.Submit(ctx, (*logs.Batch)(records))
}

// Outbox gives access to what goes on to other systems.
func (s *Store) Outbox() *outbox.Outbox { return s.outbox }

// DigestKey returns a secret that all gateways of the database share, for the digests of requests.
func (s *Store) DigestKey() [32]byte { return s.contentKey.DigestKey() }
