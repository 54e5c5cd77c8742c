package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/correlate"
	"github.com/plaithq/plait/query"
)

// slowLogs answers when its question is called off.
type slowLogs struct {
	correlate.LogReader
	asked chan struct{}
	ended chan error
}

func (s slowLogs) Logs(ctx context.Context, _ query.Logs) ([]plait.LogRecord, string, error) {
	close(s.asked)
	<-ctx.Done()
	s.ended <- ctx.Err()
	return nil, "", ctx.Err()
}

// lateLogs is a search whose time is up before it finds anything.
type lateLogs struct{ correlate.LogReader }

func (lateLogs) Logs(context.Context, query.Logs) ([]plait.LogRecord, string, error) {
	return nil, "further", nil
}

func TestASearchThatFoundNothingYetGoesOn(t *testing.T) {
	t.Parallel()
	g := start(t, emptyStore(t), func(_ *Config, d *Deps) { d.Logs = lateLogs{} })
	for _, path := range []string{root + "/logs", root + "/logs?trace_id=1234567890123456", root + "/pivot/trace/" + knownTrace.String() + "/logs"} {
		if got := answerOf[logsAnswer](t, g, path); got.NextCursor != "further" || len(got.Logs) > 0 {
			t.Errorf("%s is answered with %d records and next page %q, want none and further", path, len(got.Logs), got.NextCursor)
		}
	}
}

func TestWorkEndsWhenTheClientGoes(t *testing.T) {
	t.Parallel()
	slow := slowLogs{asked: make(chan struct{}), ended: make(chan error, 1)}
	g := start(t, emptyStore(t), func(_ *Config, d *Deps) { d.Logs = slow })
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-slow.asked
		cancel()
	}()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.url+root+"/logs", nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := http.DefaultClient.Do(req); err == nil {
		resp.Body.Close()
		t.Errorf("a question that was called off is answered %s", resp.Status)
	}
	if err := <-slow.ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the reader's context ended with %v", err)
	}
}

func TestSlowQuestionsAreCutOff(t *testing.T) {
	t.Parallel()
	slow := slowLogs{asked: make(chan struct{}), ended: make(chan error, 1)}
	g := start(t, emptyStore(t), func(c *Config, d *Deps) { c.QueryTimeout, d.Logs = time.Millisecond, slow })
	if resp, body := g.get(t, root+"/logs"); resp.StatusCode != http.StatusGatewayTimeout {
		t.Errorf("a question that takes too long is answered %s %s", resp.Status, body)
	}
	if err := <-slow.ended; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the reader's context ended with %v", err)
	}
}

// panicLogs is a reader with a bug.
type panicLogs struct{ correlate.LogReader }

func (panicLogs) Logs(context.Context, query.Logs) ([]plait.LogRecord, string, error) {
	panic("boom")
}

func TestAPanicIsAProblem(t *testing.T) {
	t.Parallel()
	g := start(t, emptyStore(t), func(_ *Config, d *Deps) { d.Logs = panicLogs{} })
	if resp, body := g.get(t, root+"/logs"); resp.StatusCode != http.StatusInternalServerError || strings.Contains(string(body), "boom") {
		t.Errorf("a panic is answered %s %s", resp.Status, body)
	}
	if resp, _ := g.get(t, "/healthz"); resp.StatusCode != http.StatusOK {
		t.Errorf("after a panic /healthz is answered %s", resp.Status)
	}
}
