package jaeger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/tracesearch"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
)

// breaking is a store whose traces cannot be read from some read on.
type breaking struct {
	*store.Store
	reads *atomic.Int64 // that succeed yet
}

func (b breaking) Trace(ctx context.Context, id plait.TraceID, maxSpans int, first ...plait.SpanID) (*plait.Trace, error) {
	if b.reads.Add(-1) < 0 {
		return nil, fmt.Errorf("read trace %s: %w", id, plait.ErrUnavailable)
	}
	return b.Store.Trace(ctx, id, maxSpans, first...)
}

func TestAFailureUnderWayStandsAmongTheErrors(t *testing.T) {
	t.Parallel()
	st := shopStore(t)
	other := shopTrace()
	for i := range other.Spans {
		other.Spans[i].TraceID[0]++
	}
	if _, err := st.WriteTraces(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	reads := &atomic.Int64{}
	s := start(t, breaking{st, reads})
	for _, c := range []struct {
		reads        int64
		status, data int
		code         int
	}{{2, 200, 2, 0}, {1, 200, 1, 503}, {0, 503, 0, 503}} {
		reads.Store(c.reads)
		status, body := s.get(t, "/api/traces?service=shop")
		var a struct {
			Data   []struct{}
			Errors []errorJSON
		}
		if err := json.Unmarshal(body, &a); err != nil || status != c.status || len(a.Data) != c.data || (len(a.Errors) > 0) != (c.code > 0) || c.code > 0 && a.Errors[0].Code != c.code {
			t.Errorf("after %d reads: %d %s (%v)", c.reads, status, body, err)
		}
	}
	reads.Store(1)
	resp, err := http.Get(s.url + "/api/v3/traces")
	if err != nil {
		return // the connection broke before the answer began
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err == nil && resp.StatusCode == http.StatusOK {
		t.Errorf("an answer that is broken off reads as %s", body)
	}
}

// slow is a store whose searches take until they are called off.
type slow struct {
	*store.Store
	asked chan struct{}
	ended chan error
}

func (s slow) Traces(ctx context.Context, _ query.Traces) ([]plait.TraceSummary, string, error) {
	close(s.asked)
	<-ctx.Done()
	s.ended <- ctx.Err()
	return nil, "", ctx.Err()
}

func TestASearchEndsWithItsClient(t *testing.T) {
	t.Parallel()
	reader := slow{storetest.New(t), make(chan struct{}), make(chan error, 1)}
	s := start(t, reader)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-reader.asked
		cancel()
	}()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/api/traces?service=a", nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := http.DefaultClient.Do(req); err == nil {
		resp.Body.Close()
		t.Errorf("a search that was called off is answered %s", resp.Status)
	}
	if err := <-reader.ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the search ended with %v", err)
	}
}

func TestASearchThatTakesTooLongIsEndedAndSaysSo(t *testing.T) {
	t.Parallel()
	s := start(t, slow{storetest.New(t), make(chan struct{}), make(chan error, 1)}, func(c *tracesearch.Config) { c.Timeout = time.Millisecond })
	if status, body := s.get(t, "/api/traces?service=a"); status != http.StatusOK || !strings.Contains(string(body), `"errors":[{"msg":"the search was ended after`) {
		t.Errorf("answered %d: %s", status, body)
	}
}

func TestALargeTraceIsCutAndSaysSo(t *testing.T) {
	t.Parallel()
	s := start(t, shopStore(t), func(c *tracesearch.Config) { c.MaxSpans = 2 })
	_, body := s.get(t, "/api/traces/"+shopTraceID)
	var a struct{ Data []traceJSON }
	if err := json.Unmarshal(body, &a); err != nil || len(a.Data) != 1 || len(a.Data[0].Spans) != 2 || len(a.Data[0].Warnings) != 1 {
		t.Errorf("answered %s (%v)", body, err)
	}
}
