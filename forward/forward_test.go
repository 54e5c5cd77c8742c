package forward

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/duration"
	"github.com/plaithq/plait/store/outbox"
	"github.com/plaithq/plait/store/storetest"
)

func TestWhatIsCommittedArrivesInOrderAndInFull(t *testing.T) {
	t.Parallel()
	g, r := newGateway(t), newReceiver(t)
	g.write(spans("before", 3)...)
	g.start(r.target("a"))
	var want []plait.Span
	for i := range 5 {
		some := spans(string(rune('a'+i)), 200)
		some[0].Attributes = plait.Attributes{{Key: "n", Value: plait.IntValue(int64(i))}, {Key: "list", Value: plait.ArrayValue(`[1,"a"]`)}}
		some[0].Events = []plait.Event{{Name: "e", TimeNanos: 7}}
		some[0].Links = []plait.Link{{TraceID: plait.TraceID{1}, SpanID: plait.SpanID{2}}}
		some[0].Status, some[0].StatusMessage = plait.StatusError, "boom"
		g.write(some...)
		want = append(want, some...)
	}
	s := g.settle("a")
	if got := r.names(); !slices.Equal(got, namesOf(want)) {
		t.Fatalf("%d spans arrived, want %d in their order", len(got), len(want))
	}
	if diff := cmp.Diff(want[:200], r.spans[:200], values); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if s.Sent != 1000 || s.Failing != 0 || s.Lag != 0 {
		t.Errorf("%+v", s)
	}
}

func TestAnOutageLosesNothingAndIsToldOnce(t *testing.T) {
	t.Parallel()
	g, r := newGateway(t), newReceiver(t)
	r.answers(func(n int, _ []string, w http.ResponseWriter) bool {
		switch n {
		case 1:
			w.Header().Set("Retry-After", "70")
			http.Error(w, "full", http.StatusTooManyRequests)
		case 2:
			http.Error(w, "away", http.StatusServiceUnavailable)
		case 3:
			http.Error(w, "who are you", http.StatusUnauthorized)
		case 4:
			panic(http.ErrAbortHandler) // the connection breaks
		default:
			return true
		}
		return false
	})
	g.start(r.target("a"))
	all := spans("a", 10)
	g.write(all...)
	g.settle("a")
	if got := r.names(); !slices.Equal(got, namesOf(all)) || r.requests() != 5 {
		t.Errorf("%q arrived by %d requests", got, r.requests())
	}
	for _, body := range r.bodies[1:] {
		if string(body) != string(r.bodies[0]) {
			t.Error("a request that is sent again has other bytes")
		}
	}
	if warned, over := g.log.count("WARN"), g.log.count("INFO", "again"); warned != 1 || over != 1 {
		t.Errorf("%d warnings and %d lines about their end: %s", warned, over, g.log.b.String())
	}
	var sum time.Duration
	waits := g.waited()
	for _, d := range waits {
		sum += d
	}
	// 70 s as asked for, then at least half of 2, 4 and 8 s
	if sum < 77*time.Second || slices.Max(waits) > renewEvery {
		t.Errorf("it waited for %v", waits)
	}
	if refusals := g.refusals("a"); len(refusals) != 0 {
		t.Errorf("set aside: %q", refusals)
	}
}

func TestARequestThatWasOnItsWayIsSentAgainWithTheSameBytes(t *testing.T) {
	t.Parallel()
	g, r := newGateway(t), newReceiver(t)
	taken, cut := make(chan struct{}), make(chan struct{})
	r.answers(func(n int, _ []string, _ http.ResponseWriter) bool {
		if n == 1 {
			close(taken)
			<-cut // the gateway does not hear that it was taken
			panic(http.ErrAbortHandler)
		}
		return true
	})
	target := r.target("a")
	stop := g.start(target)
	g.write(spans("a", 10)...)
	<-taken
	g.write(spans("b", 10)...)
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	close(cut)
	<-stopped
	if s := g.status("a"); s.Waiting != 20 || s.Held {
		t.Errorf("after the stop: %+v", s)
	}
	g.write(spans("c", 10)...)
	g.start(target)
	g.settle("a")
	if string(r.bodies[0]) != string(r.bodies[1]) {
		t.Error("what was on its way has other bytes after the start")
	}
	want := append(append(namesOf(spans("a", 10)), namesOf(spans("b", 10))...), namesOf(spans("c", 10))...)
	if got := r.names(); !slices.Equal(got, want) {
		t.Errorf("arrived: %q", got)
	}
}

func TestWhatATargetRefusesIsSetAsideAndNothingElse(t *testing.T) {
	t.Parallel()
	g, r := newGateway(t), newReceiver(t)
	r.answers(func(_ int, names []string, w http.ResponseWriter) bool {
		if slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, "poison") }) {
			http.Error(w, "cannot be\nswallowed", http.StatusBadRequest)
			return false
		}
		return true
	})
	g.start(r.target("a"))
	all := spans("a", 100)
	all[17].Name, all[83].Name = "poison-1", "poison-2"
	g.write(all...)
	g.write(spans("b", 5)...)
	s := g.settle("a")
	var want []string
	for _, n := range append(namesOf(all), namesOf(spans("b", 5))...) {
		if !strings.HasPrefix(n, "poison") {
			want = append(want, n)
		}
	}
	if got := r.names(); !slices.Equal(got, want) {
		t.Errorf("arrived: %q", got)
	}
	const reason = "1 400 Bad Request: cannot be swallowed"
	if got := g.refusals("a"); !slices.Equal(got, []string{reason, reason}) {
		t.Errorf("set aside: %q", got)
	}
	if s.Sent != 103 || s.Refused != 2 || !strings.Contains(s.Failure, "swallowed") || s.Failing != 0 {
		t.Errorf("%+v", s)
	}
}

func TestATargetThatRefusesEverythingIsNotAskedForEachRecord(t *testing.T) {
	t.Parallel()
	g, r := newGateway(t), newReceiver(t)
	r.answers(func(_ int, _ []string, w http.ResponseWriter) bool {
		http.Error(w, "no", http.StatusBadRequest)
		return false
	})
	g.start(r.target("a"))
	g.write(spans("a", 3000)...)
	if s := g.settle("a"); s.Refused != 3000 {
		t.Errorf("%+v", s)
	}
	if n := r.requests(); n > 2*maxSplits {
		t.Errorf("%d requests", n)
	}
}

func TestATargetThatFailsOverARequestDoesNotBlockTheNext(t *testing.T) {
	t.Parallel()
	g, r := newGateway(t), newReceiver(t)
	r.answers(func(_ int, names []string, w http.ResponseWriter) bool {
		if slices.Contains(names, "crash") {
			http.Error(w, "nil pointer", http.StatusInternalServerError)
			return false
		}
		return true
	})
	g.start(r.target("a"))
	g.write(span("shop", "crash"))
	g.write(spans("b", 5)...)
	if s := g.settle("a"); s.Refused != 1 || s.Sent != 5 {
		t.Errorf("%+v", s)
	}
	if got := g.refusals("a"); len(got) != 1 || !strings.Contains(got[0], "500 Internal Server Error: nil pointer") {
		t.Errorf("set aside: %q", got)
	}
}

func TestAPartialSuccessIsCountedAndTold(t *testing.T) {
	t.Parallel()
	g, r := newGateway(t), newReceiver(t)
	r.answers(func(_ int, _ []string, w http.ResponseWriter) bool {
		_, _ = w.Write(append([]byte{1<<3 | 2, 8, 1 << 3, 3, 2<<3 | 2, 4}, "dull"...)) // three of them
		return true
	})
	g.start(r.target("a"))
	g.write(spans("a", 10)...)
	if s := g.settle("a"); s.Sent != 7 || s.Refused != 3 || s.Failure != "dull" {
		t.Errorf("%+v", s)
	}
}

func TestASlowTargetHarmsNobody(t *testing.T) {
	t.Parallel()
	g, slow, quick := newGateway(t), newReceiver(t), newReceiver(t)
	answered := make(chan struct{})
	slow.answers(func(int, []string, http.ResponseWriter) bool {
		<-answered
		return true
	})
	stalled := slow.target("slow")
	stalled.Timeout = duration.Duration(4 * time.Minute)
	g.start(stalled, quick.target("quick"))
	for range 3 {
		g.write(spans("a", 100)...) // is answered
	}
	g.settle("quick")
	if n := len(quick.names()); n != 300 {
		t.Errorf("%d spans arrived beside the slow target", n)
	}
	if s := g.status("slow"); s.Waiting != 300 || s.Lag <= 0 {
		t.Errorf("slow: %+v", s)
	}
	close(answered)
	g.settle("slow")
	if n := len(slow.names()); n != 300 {
		t.Errorf("%d spans arrived at the slow target", n)
	}
}

func TestAnotherGatewayGoesOn(t *testing.T) {
	t.Parallel()
	g, r := newGateway(t), newReceiver(t)
	other := &gateway{t: t, url: g.url, store: storetest.Open(t, g.url, withOutbox), log: g.log}
	target := r.target("a")
	stop := g.start(target)
	g.until("a", func(s outbox.Status) bool { return s.Held })
	other.start(target)
	g.write(spans("a", 10)...)
	other.write(spans("b", 10)...)
	g.settle("a")
	stop()
	other.write(spans("c", 10)...)
	g.settle("a")
	want := slices.Sorted(slices.Values(append(append(namesOf(spans("a", 10)), namesOf(spans("b", 10))...), namesOf(spans("c", 10))...)))
	if got := slices.Sorted(slices.Values(r.names())); !slices.Equal(got, want) {
		t.Errorf("arrived: %q", got)
	}
}

func TestATargetGetsWhatItsFilterSays(t *testing.T) {
	t.Parallel()
	g, r := newGateway(t), newReceiver(t)
	target := r.target("a")
	target.Services, target.Attributes = []string{"cart", "checkout"}, []string{"http.route=/pay"}
	g.start(target)
	pay := plait.Attributes{{Key: "http.route", Value: plait.StringValue("/pay")}}
	all := []plait.Span{span("cart", "1"), span("cart", "2"), span("checkout", "3"), span("shop", "4")}
	for _, i := range []int{1, 2, 3} {
		all[i].Attributes = pay
	}
	g.write(all...)
	if s := g.settle("a"); s.Sent != 2 || s.LeftOut != 2 {
		t.Errorf("%+v", s)
	}
	if got := r.names(); !slices.Equal(got, []string{"2", "3"}) {
		t.Errorf("arrived: %q", got)
	}
}

func TestRequestsAreAsSmallAsTheTargetWants(t *testing.T) {
	t.Parallel()
	g, r := newGateway(t), newReceiver(t)
	target := r.target("a")
	target.BatchSize = 4 << 10
	g.start(target)
	all := spans("a", 500)
	all[7].Name = strings.Repeat("long", 2<<10)
	g.write(all...)
	g.settle("a")
	if got := r.names(); !slices.Equal(got, namesOf(all)) {
		t.Errorf("%d spans arrived", len(got))
	}
	large := 0
	for _, body := range r.bodies {
		if len(body) > target.BatchSize {
			large++
		}
	}
	if large != 1 { // that of the long name
		t.Errorf("%d requests are too large", large)
	}
}
