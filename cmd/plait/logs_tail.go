package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/coder/websocket"
)

// maxFrame bounds what a tail tells at once: several times what a gateway does.
const maxFrame = 64 << 20

// tail prints the newest lines of a query, and then those that come in, until it is interrupted.
func (c *logsCommand) tail(ctx context.Context, std console) error {
	from := c.Since.at
	if from.IsZero() {
		from = time.Now().Add(-followOverlap)
	}
	query := url.Values{"query": {c.Text}, "start": {strconv.FormatInt(from.UnixNano(), 10)}, "limit": {strconv.Itoa(min(c.Limit, logsAtOnce))}}
	//nolint:bodyclose // the library closes it
	socket, resp, err := websocket.Dial(ctx, string(c.API)+lokiAPI+"tail?"+query.Encode(), &websocket.DialOptions{HTTPHeader: categorized})
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return nil
	case resp != nil && resp.Body != nil:
		return readText(resp)
	default:
		return fmt.Errorf("no answer from the gateway (is 'plait serve' running? --api says where): %w", err)
	}
	defer func() { _ = socket.CloseNow() }()
	socket.SetReadLimit(maxFrame)
	for {
		_, text, err := socket.Read(ctx)
		if err != nil {
			return ended(ctx, err)
		}
		var frame struct {
			Streams entryStreams `json:"streams"`
		}
		if err := json.Unmarshal(text, &frame); err != nil {
			return fmt.Errorf("read what the gateway tells: %w", err)
		}
		all, err := frame.Streams.entries()
		if err != nil {
			return err
		}
		if err := c.printEntries(std.out, all); err != nil {
			return err
		}
	}
}

// ended says why a tail ended, nothing where it was interrupted.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // so it was to end
	}
	if closed, ok := errors.AsType[websocket.CloseError](err); ok {
		return fmt.Errorf("the gateway ended the tail: %s", closed.Reason)
	}
	return fmt.Errorf("the connection to the gateway broke: %w", err)
}
