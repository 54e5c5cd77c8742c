package tracesearch

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
	"github.com/plaithq/plait/query"
)

// Reader reads traces.
type Reader interface {
	// Traces searches, newest first, and returns the cursor of the next page, empty at the end. A page
	// may have fewer traces than were asked for, and the next go on.
	Traces(ctx context.Context, q query.Traces) ([]plait.TraceSummary, string, error)
	// Trace returns the spans of a trace in order of start, at most maxSpans of them, those that tell
	// most. It returns plait.ErrNotFound when no span is stored.
	Trace(ctx context.Context, id plait.TraceID, maxSpans int, first ...plait.SpanID) (*plait.Trace, error)
	// TraceSummaries returns the summaries of the traces that are stored, in any order.
	TraceSummaries(ctx context.Context, ids []plait.TraceID) ([]plait.TraceSummary, error)
}

// NameReader lists names.
type NameReader interface {
	// SpanServices returns the names of services that sent spans, in order, at most limit of them.
	SpanServices(ctx context.Context, limit int) ([]string, error)
	// Operations returns the names of a service's spans with their kinds, in order, at most limit of them.
	Operations(ctx context.Context, service string, limit int) ([]plait.Operation, error)
}

// AttributeReader lists what attributes there are, as far as that is known without a look at spans.
type AttributeReader interface {
	// AttributeNames lists keys, in order, at most limit of each place.
	AttributeNames(ctx context.Context, limit int) (query.AttributeNames, error)
	// AttributeValues lists the values of a key in any order, at most limit of each.
	AttributeValues(ctx context.Context, key string, limit int) (ofSpans, ofResources []plait.Value, err error)
}

// MaxNames bounds lists of services and of operations.
const MaxNames = 10_000

// MaxTraces is how many traces one search returns at most, as many as Jaeger's page can ask for.
const MaxTraces = 1500

// searchTime is how long a search goes on looking. Grafana waits 30 seconds.
const searchTime = 20 * time.Second

// Found is what a search found.
type Found struct {
	IDs []plait.TraceID // those that started last first
	// Stopped says why there may be more, empty where all were found or as many as were asked for.
	Stopped string
}

// Search finds traces. It goes on from page to page until it has as many as are wanted, or until its time is over: two
// thirds of what is left of the caller's at most, so that what was found can be read.
func Search(ctx context.Context, r Reader, q *Question) (Found, error) {
	looking := searchTime
	if end, ok := ctx.Deadline(); ok {
		looking = min(looking, time.Until(end)*2/3)
	}
	bounded, cancel := context.WithTimeout(ctx, looking)
	defer cancel()
	var found Found
	asked := query.TracesWithSpan(q.condition(), q.Range)
	wanted := min(q.Limit, MaxTraces)
	for len(found.IDs) < wanted {
		asked.Limit = wanted - len(found.IDs)
		page, next, err := r.Traces(bounded, asked)
		for i := range page {
			found.IDs = append(found.IDs, page[i].TraceID)
		}
		switch timeUp := errors.Is(bounded.Err(), context.DeadlineExceeded) && !errors.Is(ctx.Err(), context.Canceled); {
		case timeUp && (err != nil || next != "" && len(found.IDs) < wanted):
			found.Stopped = fmt.Sprintf("the search was ended after %v, when %d of the traces were found: ask for a shorter time, or for what fewer spans have",
				looking.Round(time.Millisecond), len(found.IDs))
			return found, nil
		case err != nil || next == "":
			return found, err
		}
		asked.Cursor = next
	}
	if q.Limit > wanted {
		found.Stopped = fmt.Sprintf("of more than %d traces these are the ones that started last: ask for a shorter time", wanted)
	}
	return found, nil
}

// Choose takes, for each id that somebody typed, the reading of which spans are stored; missing are those ids of which
// none are. What several ids name is in the list once.
func Choose(ctx context.Context, r Reader, asked []ask.TraceID) (ids []plait.TraceID, missing []ask.TraceID, err error) {
	var all []plait.TraceID
	for _, readings := range asked {
		all = append(all, readings...)
	}
	summaries, err := r.TraceSummaries(ctx, all)
	if err != nil {
		return nil, nil, err
	}
	stored := make(map[plait.TraceID]bool, len(summaries))
	for i := range summaries {
		stored[summaries[i].TraceID] = true
	}
	for _, readings := range asked {
		at := slices.IndexFunc(readings, func(id plait.TraceID) bool { return stored[id] })
		switch {
		case at < 0:
			missing = append(missing, readings)
		case !slices.Contains(ids, readings[at]):
			ids = append(ids, readings[at])
		}
	}
	return ids, missing, nil
}

// Read reads traces one after another, each once, whether it is named by its whole id or by half of it. It leaves out
// those that retention has removed meanwhile. The memory that a trace holds is given back when the next is asked for.
func Read(ctx context.Context, r Reader, memory *plait.AnswerMemory, maxSpans int, ids []plait.TraceID) iter.Seq2[*plait.Trace, error] {
	return func(yield func(*plait.Trace, error) bool) {
		given := make(map[plait.TraceID]bool, len(ids))
		give := func(id plait.TraceID) (goOn bool) {
			bounded, release := memory.Begin(ctx)
			defer release()
			trace, err := r.Trace(bounded, id, maxSpans)
			switch {
			case errors.Is(err, plait.ErrNotFound) || err == nil && given[trace.TraceID]:
				return true
			case err != nil:
				yield(nil, err)
				return false
			}
			given[trace.TraceID] = true
			return yield(trace, nil)
		}
		for _, id := range ids {
			if !give(id) {
				return
			}
		}
	}
}

// CutShort says of a trace that is Truncated what of it there is.
func CutShort(t *plait.Trace) string {
	return fmt.Sprintf("trace %s has more spans than these %d, which tell most: roots, failures and the longest", t.TraceID, len(t.Spans))
}
