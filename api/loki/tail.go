package loki

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/logql"
	"github.com/plaithq/plait/query/logql/pipeline"
)

// Bounds of a tail.
const (
	tailEvery = time.Second
	// tailLate is how much later than their time records may be stored and still be told.
	tailLate = 30 * time.Second
	// tailSeen bounds the records that a tail knows it has told.
	tailSeen     = 50_000
	tailSendTime = 10 * time.Second
)

// tail tells the lines of a query as they come, over a WebSocket.
func (h *handler) tail(w http.ResponseWriter, r *http.Request) {
	t, err := h.newTail(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	select {
	case h.tails <- struct{}{}:
		defer func() { <-h.tails }()
	default:
		h.fail(w, r, plait.Errorf(plait.ErrOverloaded, "there are %d tails already, which is the limit: end one", tailsAtOnce))
		return
	}
	// Pages of other sites are refused by their origin. Grafana's server asks without one.
	socket, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	defer func() { _ = socket.CloseNow() }() // for a client that went without a word
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	defer cancel()
	ctx = socket.CloseRead(ctx)
	err = t.run(ctx, socket)
	switch {
	case ctx.Err() != nil: // the client is gone
	case errors.Is(err, errStopped):
		_ = socket.Close(websocket.StatusGoingAway, "the gateway stops")
	default:
		h.Logger.Error("tail log records", "error", err)
		_ = socket.Close(websocket.StatusInternalError, plait.OneLine(plait.Message(err), 100))
	}
}

var errStopped = errors.New("the gateway stops")

// tail is one on its way.
type tail struct {
	*handler
	of          logql.Log
	pipeline    *pipeline.Pipeline
	limit       int // lines of a frame
	categorized bool
	from        time.Time
	seen        map[string]time.Time // records that were told, by id, with their time
}

func (h *handler) newTail(r *http.Request) (*tail, error) {
	q, err := h.read(r, "")
	if err != nil {
		return nil, err
	}
	e, err := q.expression()
	if err != nil {
		return nil, err
	}
	of, ok := e.(logql.Log)
	if !ok {
		return nil, plait.Errorf(plait.ErrInvalid, "only log queries can be tailed, not metrics")
	}
	t := &tail{handler: h, of: of, categorized: q.categorized, from: q.within.From, seen: map[string]time.Time{}}
	if t.limit, err = q.number("limit", defaultLimit); err != nil {
		return nil, err
	}
	if q.form.Get("start") == "" {
		t.from = q.now.Add(-lastHour)
	}
	t.pipeline, err = pipeline.New(of)
	return t, err
}

// run tells the newest lines, and then what comes, until the context ends.
func (t *tail) run(ctx context.Context, socket *websocket.Conn) error {
	ticker := time.NewTicker(tailEvery)
	defer ticker.Stop()
	first := true
	for {
		frame, err := t.read(ctx, first)
		if err == nil && frame.count > 0 {
			err = sendFrame(ctx, socket, frame)
		}
		if err != nil {
			return err
		}
		first = false
		if frame.count == t.limit {
			continue // there may be more
		}
		select {
		case <-ticker.C:
		case <-t.Ended:
			return errStopped
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// read gathers a frame: the newest lines at first, and then those that were not told.
func (t *tail) read(ctx context.Context, first bool) (*lines, error) {
	ctx, cancel := context.WithTimeout(ctx, t.Timeout)
	defer cancel()
	node, err := t.Mapping.Narrow(t.of)
	if err != nil {
		return nil, err
	}
	until := t.Now()
	l := &lines{categorized: t.categorized, ascending: true, byLabels: map[string]*stream{}}
	maker := t.Mapping.NewMaker()
	q := query.Logs{Condition: node, Range: plait.TimeRange{From: t.from, To: until.Add(tailLate)}, Ascending: !first, Page: query.Page{Limit: maxPage}}
	if first {
		q.Limit = t.limit
	}
	var newest []pipeline.Result
	err = t.records(ctx, q, func(r *plait.LogRecord) error {
		if !t.isNew(r) {
			return nil
		}
		e := maker.Entry(r)
		if !t.pipeline.Selects(e.Stream) {
			return nil
		}
		result, kept, err := t.pipeline.Process(e)
		if err != nil || !kept {
			return err
		}
		if first {
			newest = append(newest, cloned(result))
		} else {
			l.add(result)
		}
		if l.count+len(newest) == t.limit || l.size > maxAnswerBytes {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, fmt.Errorf("read the lines of a tail: %w", err)
	}
	for i := len(newest) - 1; i >= 0; i-- {
		l.add(&newest[i])
	}
	if len(newest) == t.limit { // what is older was not wanted
		t.forget(time.Unix(0, newest[len(newest)-1].TimeNanos))
	}
	if first || l.count < t.limit {
		t.forget(until.Add(-tailLate))
	}
	return l, nil
}

// isNew says whether a record was not told yet. Where more come than a tail remembers it waits less for late ones.
func (t *tail) isNew(r *plait.LogRecord) bool {
	if _, told := t.seen[r.ID]; told {
		return false
	}
	at := time.Unix(0, r.TimeNanos)
	if len(t.seen) >= tailSeen {
		t.forget(at.Add(-tailLate / 10))
	}
	if len(t.seen) >= tailSeen || at.Before(t.from) {
		return false
	}
	t.seen[r.ID] = at
	return true
}

// forget goes on from a time: records before it are not read again.
func (t *tail) forget(from time.Time) {
	if from.After(t.from) {
		t.from = from
	}
	for id, at := range t.seen {
		if at.Before(t.from) {
			delete(t.seen, id)
		}
	}
}

// cloned is a result that outlives its pipeline's next one.
func cloned(r *pipeline.Result) pipeline.Result {
	c := *r
	c.Stream = append([]plait.Label(nil), r.Stream...)
	c.Metadata = append([]plait.Label(nil), r.Metadata...)
	c.Parsed = append([]plait.Label(nil), r.Parsed...)
	return c
}

// frame is what a tail sends.
type frame struct {
	Streams        []*stream `json:"streams"`
	EncodingFlags  []string  `json:"encodingFlags,omitempty"`
	DroppedEntries []object  `json:"dropped_entries"`
}

func (l *lines) frame() frame {
	f := frame{Streams: l.streams, DroppedEntries: []object{}}
	if l.categorized {
		f.EncodingFlags = []string{"categorize-labels"}
	}
	return f
}

func sendFrame(ctx context.Context, socket *websocket.Conn, l *lines) error {
	body, err := json.Marshal(l.frame())
	if err != nil {
		return fmt.Errorf("encode a frame: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, tailSendTime)
	defer cancel()
	return socket.Write(ctx, websocket.MessageText, body)
}
