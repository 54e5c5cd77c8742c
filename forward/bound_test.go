package forward

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/duration"
	"github.com/plaithq/plait/store/outbox"
)

// dense are spans of some 16 KiB each that are hardly compressed.
func dense(prefix string, n int) []plait.Span {
	all := spans(prefix, n)
	for i := range all {
		b := make([]byte, 8<<10)
		_, _ = rand.Read(b) // never fails
		all[i].Attributes = plait.Attributes{{Key: "dense", Value: plait.StringValue(hex.EncodeToString(b))}}
	}
	return all
}

// suffix says whether the names are the last ones of all.
func suffix(names, all []string) bool {
	return len(names) <= len(all) && slices.Equal(names, all[len(all)-len(names):])
}

func TestTheOldestIsGivenUpWhereTooMuchWaitsForATargetThatIsAway(t *testing.T) {
	t.Parallel()
	g, away, other := newGateway(t), newReceiver(t), newReceiver(t)
	var back atomic.Bool
	away.answers(func(_ int, _ []string, w http.ResponseWriter) bool {
		if !back.Load() {
			http.Error(w, "away", http.StatusServiceUnavailable)
		}
		return back.Load()
	})
	target := away.target("away")
	target.MaxBytes = 1 << 20
	target.Backoff.MaxPeriod = duration.Duration(boundEvery)
	g.start(target, other.target("other"))
	var all []string
	for i := range 24 { // some 6 MiB
		some := dense(fmt.Sprint(i), 16)
		g.write(some...)
		all = append(all, namesOf(some)...)
	}
	s := g.until("away", func(s outbox.Status) bool { return s.Waiting <= 160 && s.Failing > 0 })
	if s.GivenUp+s.Waiting != int64(len(all)) || s.Waiting == 0 || s.Sent+s.Expired+s.Refused != 0 {
		t.Errorf("while it is away: %+v", s)
	}
	g.settle("other")
	if got := other.names(); !slices.Equal(got, all) {
		t.Errorf("%d of %d arrived at the other target", len(got), len(all))
	}
	back.Store(true)
	s = g.settle("away")
	if got := away.names(); len(got) == 0 || !suffix(got, all) || s.Sent != int64(len(got)) || s.Sent+s.GivenUp != int64(len(all)) {
		t.Errorf("%d of %d arrived at last: %+v", len(got), len(all), s)
	}
	if told := g.log.count("WARN", "given up"); told != 1 {
		t.Errorf("it is told %d times: %s", told, g.log.b.String())
	}
}

func TestTheOldestIsGivenUpWhereATargetIsTooSlow(t *testing.T) {
	t.Parallel()
	g, slow := newGateway(t), newReceiver(t)
	written := make(chan struct{})
	slow.answers(func(n int, _ []string, _ http.ResponseWriter) bool {
		if n == 1 {
			<-written
		}
		return true
	})
	target := slow.target("slow")
	target.MaxBytes = 1 << 20
	target.Timeout = duration.Duration(4 * time.Minute)
	g.start(target)
	g.write(spans("first", 1)...)
	g.until("slow", func(outbox.Status) bool { return slow.requests() == 1 })
	var all []string
	for i := range 24 {
		some := dense(fmt.Sprint(i), 16)
		g.write(some...)
		all = append(all, namesOf(some)...)
	}
	if err := g.store.Outbox().Number(t.Context(), outbox.Traces); err != nil {
		t.Fatal(err)
	}
	close(written)
	s := g.settle("slow")
	got := slow.names()
	if len(got) < 2 || got[0] != "first-0" || !suffix(got[1:], all) || s.GivenUp == 0 || s.Sent+s.GivenUp != int64(len(all)+1) {
		t.Errorf("%d of %d arrived: %+v", len(got), len(all)+1, s)
	}
}

func TestWhatHasWaitedForTooLongIsGivenUp(t *testing.T) {
	t.Parallel()
	g, r := newGateway(t), newReceiver(t)
	var back atomic.Bool
	r.answers(func(_ int, _ []string, w http.ResponseWriter) bool {
		if !back.Load() {
			http.Error(w, "away", http.StatusServiceUnavailable)
		}
		return back.Load()
	})
	target := r.target("a")
	target.MaxAge = duration.Duration(time.Hour)
	target.Backoff.MaxPeriod = duration.Duration(boundEvery)
	g.start(target)
	old := func(names ...string) {
		t.Helper()
		for _, name := range names {
			g.write(spans(name, 3)...)
		}
		texts(t, g.url, "UPDATE plait_store.outbox SET made_at = made_at - interval '2 hours' RETURNING ''")
	}
	old("on its way", "behind it")
	s := g.until("a", func(s outbox.Status) bool { return s.GivenUp == 6 })
	if s.Waiting != 0 || s.Sent+s.Expired+s.Refused != 0 {
		t.Errorf("while it is away: %+v", s)
	}
	old("too old again")
	g.until("a", func(s outbox.Status) bool { return s.GivenUp == 9 })
	asked := len(g.waited())
	g.write(spans("young", 3)...)
	g.until("a", func(s outbox.Status) bool { return s.Waiting == 3 && len(g.waited()) > asked+20 })
	back.Store(true)
	s = g.settle("a")
	if got := r.names(); !slices.Equal(got, namesOf(spans("young", 3))) || s.Sent != 3 || s.GivenUp != 9 {
		t.Errorf("%q arrived at last: %+v", got, s)
	}
}

func TestABoundIsASize(t *testing.T) {
	t.Parallel()
	target := newReceiver(t).target("a")
	for size, want := range map[string]string{"0": "", "64MiB": "", "1000": "max_bytes: 1000 is less than 1MiB"} {
		if err := target.MaxBytes.UnmarshalText([]byte(size)); err != nil {
			t.Fatal(err)
		}
		err := Validate([]Target{target})
		if (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", size, err)
		}
	}
}

func TestABoundIsAnAge(t *testing.T) {
	t.Parallel()
	target := newReceiver(t).target("a")
	for age, want := range map[time.Duration]string{0: "", time.Minute: "", 2 * time.Hour: "", time.Second: "max_age: 1s is less than 1m"} {
		target.MaxAge = duration.Duration(age)
		err := Validate([]Target{target})
		if (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", age, err)
		}
	}
}
