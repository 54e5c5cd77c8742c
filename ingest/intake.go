package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/plaithq/plait"
)

// intake is the life of a request, which is the same whatever brings it (HTTP, gRPC):
//
//  1. A gateway that stops refuses it.
//  2. It gets a body, and a lease for its sender that is empty at first.
//  3. Its transport reads the body, which takes memory as bytes arrive (body.go), and its door decodes
//     it, has the records written, and answers success.
//  4. What goes wrong is turned into an answer, in one table (answer.go), and the transport puts it
//     into its own words. A panic is such a failure.
//  5. The memory is given back. After a failure the bytes are not used again: whoever failed may
//     still hold them.
//  6. The request is counted, and a failure of ours is told to the operator.
//
// A transport adds how a body comes in and how an answer goes out, and nothing else.
type intake struct {
	config Config
	log    *slog.Logger
	now    func() time.Time
	budget *budget
	meters *meters
	outage *outage

	journal journal

	stopping sync.Once
	stopped  chan struct{} // closed when nothing is taken any more
}

// stop refuses what comes from now on. What was taken is led to its end.
func (in *intake) stop() { in.stopping.Do(func() { close(in.stopped) }) }

// request is one request as its transport hands it over.
type request struct {
	door   string // label of the metrics
	sender string // on whose account its memory is
	// serve fills the body, has its records written, and answers success.
	serve func(*body) (outcome, error)
	// fail answers an error, for which there is the answer a.
	fail func(a answer, err error) error
}

// take leads a request through its life. It returns when it is answered.
func (in *intake) take(ctx context.Context, r request) {
	begin := in.now()
	o, err := in.serve(r)
	name := o.name()
	if err != nil {
		a := answerTo(err)
		name = a.name
		if failErr := r.fail(a, err); failErr != nil {
			err = errors.Join(err, fmt.Errorf("answer: %w", failErr))
		}
	}
	end := in.now()
	in.count(r.door, name, end.Sub(begin))
	in.journal.request(r, o, name, err, begin, end)
	in.tell(ctx, r.door, name, err)
}

// serve runs the transport's part with the body's life around it.
func (in *intake) serve(r request) (o outcome, err error) {
	b := &body{limits: &in.config, lease: in.budget.lease(r.sender)}
	defer func() {
		if p := recover(); p != nil {
			// The request that caused it is to blame, so its sender is told not to send it again.
			in.meters.panics.Inc()
			err = plait.Errorf(errPanicked, "panic: %v\n%s", p, debug.Stack())
		}
		if n := len(b.bytes); n > 0 {
			in.meters.bytes.WithLabelValues(r.door).Add(float64(n))
		}
		if err != nil {
			b.forget()
		} else {
			b.release()
		}
	}()
	select {
	case <-in.stopped:
		return outcome{}, plait.Errorf(errDraining, "the gateway stops")
	default:
		return r.serve(b)
	}
}

// count counts a request by what was answered.
func (in *intake) count(door, answer string, took time.Duration) {
	in.meters.requests.WithLabelValues(door, answer).Inc()
	in.meters.seconds.WithLabelValues(door).Observe(took.Seconds())
}

// tell sees to it that the log says what went wrong on our side.
func (in *intake) tell(ctx context.Context, door, answer string, err error) {
	switch {
	case err == nil:
		in.outage.success(ctx)
	case errors.Is(err, errPanicked):
		in.log.ErrorContext(ctx, "request not stored", "door", door, "answer", answer, "error", err)
	case answerTo(err).ours():
		in.outage.failure(ctx, door, answer, err)
	}
}
