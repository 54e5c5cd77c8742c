package forward

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/common/config"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/ingest"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
	"github.com/plaithq/plait/store/storetest/shop"
)

// values compares attribute values by their canonical JSON.
var values = cmp.Comparer(func(a, b plait.Value) bool {
	return a.Kind() == b.Kind() && string(a.AppendJSON(nil)) == string(b.AppendJSON(nil))
})

// doors are those of another Plait, which is started and stopped at the same addresses.
type doors struct {
	t          *testing.T
	url        string
	store      *store.Store
	http, grpc string
	stop       func()
}

func newDoors(t *testing.T) *doors {
	t.Helper()
	url := storetest.URL(t)
	d := &doors{t: t, url: url, store: storetest.Open(t, url), http: "127.0.0.1:0", grpc: "127.0.0.1:0"}
	d.start()
	t.Cleanup(func() { d.stop() })
	return d
}

// at is the address of the door for a protocol.
func (d *doors) at(protocol string) string {
	if protocol == "otlp_grpc" {
		return d.grpc
	}
	return d.http
}

func (d *doors) start() {
	d.t.Helper()
	c := ingest.DefaultConfig()
	c.HTTPAddr, c.GRPCAddr = d.http, d.grpc
	s, err := ingest.New(c, ingest.Deps{Writer: d.store, DigestKey: d.store.DigestKey(), Logger: slog.New(slog.DiscardHandler)})
	if err == nil {
		err = s.Listen()
	}
	if err != nil {
		d.t.Fatal(err)
	}
	d.http, d.grpc = s.HTTPAddr().String(), s.GRPCAddr().String()
	ctx, cancel := context.WithCancel(context.WithoutCancel(d.t.Context()))
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	d.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			d.t.Error(err)
		}
	})
}

func targetAt(t *testing.T, name, protocol, addr string) Target {
	t.Helper()
	target := DefaultTarget()
	target.Name, target.Protocol = name, protocol
	u, err := url.Parse("http://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	target.URL = config.URL{URL: u}
	return target
}

// written is what was written to a gateway.
type written struct {
	spans []plait.Span
	logs  []plait.LogRecord
}

// write writes requests of a shop.
func (w *written) write(g *gateway, generator *shop.Generator, requests int) {
	g.t.Helper()
	for range requests {
		spans, logs := generator.Traces(8), generator.Logs(40)
		if _, err := g.store.WriteTraces(g.t.Context(), spans); err != nil {
			g.t.Fatal(err)
		}
		if _, err := g.store.WriteLogs(g.t.Context(), logs); err != nil {
			g.t.Fatal(err)
		}
		w.spans, w.logs = append(w.spans, spans.Spans...), append(w.logs, logs.Records...)
	}
}

// settleAll waits until a target has nothing to wait for, of any signal.
func (g *gateway) settleAll() {
	g.t.Helper()
	for {
		all, err := g.store.Outbox().Status(g.t.Context())
		if err != nil {
			g.t.Fatal(err)
		}
		waiting := int64(0)
		for _, s := range all {
			waiting += s.Waiting
		}
		if waiting == 0 {
			return
		}
		if err := wait(g.t.Context(), testPoll); err != nil {
			g.t.Fatal(err)
		}
	}
}

// compare compares what two stores read back, field by field.
func (w *written) compare(t *testing.T, from, to *store.Store) {
	t.Helper()
	ids := map[plait.TraceID]bool{}
	for i := range w.spans {
		ids[w.spans[i].TraceID] = true
	}
	for id := range ids {
		want, err := from.Trace(t.Context(), id, 10_000)
		if err != nil {
			t.Fatal(err)
		}
		got, err := to.Trace(t.Context(), id, 10_000)
		if err != nil {
			t.Fatalf("trace %s: %v", id, err)
		}
		inOrder := cmpopts.SortSlices(func(a, b plait.Attribute) bool { return a.Key < b.Key })
		if diff := cmp.Diff(want.Spans, got.Spans, values, inOrder); diff != "" {
			t.Fatalf("trace %s (-want +got):\n%s", id, diff)
		}
	}
	if want, got := records(t, from), records(t, to); !slices.Equal(want, got) || len(want) != len(w.logs) {
		t.Errorf("%d log records here, %d there, %d written", len(want), len(got), len(w.logs))
	}
}

// records are all log records of a store, each as one text, in order.
func records(t *testing.T, s *store.Store) (all []string) {
	t.Helper()
	q := query.Logs{Range: plait.TimeRange{From: time.Now().Add(-48 * time.Hour), To: time.Now().Add(time.Hour)}, Page: query.Page{Limit: 1000}}
	for {
		page, next, err := s.Logs(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for i := range page {
			all = append(all, recordText(&page[i]))
		}
		if next == "" {
			slices.Sort(all)
			return all
		}
		q.Cursor = next
	}
}

// recordText is all that a record says, with attributes in order.
func recordText(r *plait.LogRecord) string {
	var parts []string
	for _, list := range []plait.Attributes{r.Attributes, r.Resource.Attributes, r.Scope.Attributes} {
		list = slices.SortedFunc(slices.Values(list), func(a, b plait.Attribute) int { return strings.Compare(a.Key, b.Key) })
		for _, a := range list {
			parts = append(parts, a.Key+"="+string(a.Value.AppendJSON(nil)))
		}
	}
	own := *r
	own.ID, own.Resource, own.Scope, own.Attributes = "", nil, nil, nil
	return strings.Join(parts, " ") + string(r.Body.AppendJSON(nil)) + r.Scope.Name + r.Scope.Version +
		cmp.Diff(plait.LogRecord{}, own, values)
}

func TestAnotherPlaitHasTheSame(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{"otlp_http", "otlp_grpc"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			g, other := newGateway(t), newDoors(t)
			target := targetAt(t, "other", protocol, other.at(protocol))
			target.BatchSize = 32 << 10
			stop := g.start(target)
			var w written
			generator := shop.NewGenerator(1, time.Now())
			w.write(g, generator, 5)
			other.stop() // somewhere within
			w.write(g, generator, 5)
			stop()
			other.start()
			w.write(g, generator, 5)
			g.start(target)
			g.settleAll()
			w.compare(t, g.store, other.store)
		})
	}
}

// cutter passes bytes on to an address. While it cuts, it ends connections as soon as an answer comes, which the client does not see.
type cutter struct {
	listener net.Listener
	to       string

	mu     sync.Mutex
	cuts   int // that are left to do
	copies sync.WaitGroup
}

func newCutter(t *testing.T, to string, cuts int) *cutter {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{listener: l, to: to, cuts: cuts}
	c.copies.Go(c.accept)
	t.Cleanup(func() { l.Close(); c.copies.Wait() })
	return c
}

func (c *cutter) accept() {
	for {
		in, err := c.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", c.to)
		if err != nil {
			in.Close()
			continue
		}
		c.copies.Go(func() { _, _ = io.Copy(out, in); out.Close() })
		c.copies.Go(func() { c.answer(in, out); in.Close(); out.Close() })
	}
}

func (c *cutter) answer(in io.Writer, out io.Reader) {
	b := make([]byte, 64<<10)
	for {
		n, err := out.Read(b)
		c.mu.Lock()
		cut := c.cuts > 0 && n > 0
		if cut {
			c.cuts--
		}
		c.mu.Unlock()
		if err != nil || cut {
			return
		}
		if _, err := in.Write(b[:n]); err != nil {
			return
		}
	}
}

func TestWhatIsSentAgainIsStoredOnceByAnotherPlait(t *testing.T) {
	t.Parallel()
	g, other := newGateway(t), newDoors(t)
	between := newCutter(t, other.http, 6)
	g.start(targetAt(t, "other", "otlp_http", between.listener.Addr().String()))
	var w written
	w.write(g, shop.NewGenerator(2, time.Now()), 6)
	g.settleAll()
	w.compare(t, g.store, other.store)
	if s := g.status("other"); s.Sent != int64(len(w.spans)) {
		t.Errorf("%+v", s)
	}
}
