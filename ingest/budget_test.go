package ingest

import (
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/plaithq/plait"
)

// clock is a time that tests set.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }

func (c *clock) pass(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.at = c.at.Add(d) }

func newTestBudget(size int64) (*budget, *clock) {
	c := &clock{at: time.Now()}
	return newBudget(size, c.now), c
}

// comeIn begins an arrival on a connection that nobody reads.
func comeIn(t *testing.T, l *lease) {
	t.Helper()
	if err := l.begin(http.NewResponseController(newDeadlineRecorder()), time.Minute, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
}

func TestALeaseGrowsToTheBudgetAndNoFurther(t *testing.T) {
	b, _ := newTestBudget(100)
	first, second := b.lease("a"), b.lease("a")
	if err := first.grow(60); err != nil {
		t.Fatal(err)
	}
	if err := second.grow(41); !errors.Is(err, plait.ErrOverloaded) {
		t.Errorf("growing beyond what is free: %v, want overloaded", err)
	}
	if err := second.grow(40); err != nil {
		t.Errorf("growing to the limit: %v", err)
	}
	if err := b.fits("b", 1); !errors.Is(err, plait.ErrOverloaded) {
		t.Errorf("a full budget fits one byte: %v", err)
	}
	first.release()
	first.release()
	second.release()
	if used := b.inUse(); used != 0 || len(b.senders) != 0 {
		t.Errorf("after all leases ended %d bytes are held, by %d senders", used, len(b.senders))
	}
}

func TestARequestThatAloneExceedsTheBudgetIsNotAskedToComeBack(t *testing.T) {
	b, _ := newTestBudget(100)
	l := b.lease("a")
	defer l.release()
	if err := l.grow(50); err != nil {
		t.Fatal(err)
	}
	if err := l.grow(51); !errors.Is(err, plait.ErrTooLarge) {
		t.Errorf("got %v, want too large", err)
	}
	if err := b.fits("a", 101); !errors.Is(err, plait.ErrTooLarge) {
		t.Errorf("got %v, want too large", err)
	}
}

func TestConcurrentLeasesNeverExceedTheBudget(t *testing.T) {
	b, _ := newTestBudget(1000)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				l := b.lease("a")
				for l.grow(97) == nil {
					if used := b.inUse(); used > b.max {
						t.Errorf("%d bytes used of %d", used, b.max)
					}
				}
				l.release()
			}
		})
	}
	wg.Wait()
	if used := b.inUse(); used != 0 {
		t.Errorf("%d bytes are held by nobody", used)
	}
}

func TestSlowBodiesAreShedForOthersTheSlowestFirst(t *testing.T) {
	b, clock := newTestBudget(100)
	var slow [3]*lease
	for i := range slow {
		slow[i] = b.lease("slow")
		comeIn(t, slow[i])
		if err := slow[i].grow(30); err != nil {
			t.Fatal(err)
		}
		clock.pass(slowAfter / 4)
	}
	other := b.lease("other")
	if err := other.grow(40); !errors.Is(err, plait.ErrOverloaded) {
		t.Fatalf("while none is slow yet: %v, want overloaded", err)
	}
	clock.pass(slowAfter / 2)
	if err := other.grow(40); err != nil {
		t.Fatalf("when two of three are slow: %v", err)
	}
	if err := slow[0].progress(1, time.Minute); !errors.Is(err, errShed) {
		t.Errorf("the slowest: %v, want it shed", err)
	}
	for _, l := range slow[1:] {
		if err := l.progress(1, time.Minute); err != nil {
			t.Errorf("another one: %v", err)
		}
	}
	for _, l := range append(slow[:], other) {
		l.release()
	}
	if used := b.inUse(); used != 0 {
		t.Errorf("%d bytes are held by nobody", used)
	}
}

func TestABodyThatIsHereIsNotShed(t *testing.T) {
	b, clock := newTestBudget(100)
	l, other := b.lease("a"), b.lease("b")
	comeIn(t, l)
	if err := l.grow(90); err != nil {
		t.Fatal(err)
	}
	if err := l.arrived(); err != nil {
		t.Fatal(err)
	}
	clock.pass(time.Hour)
	if err := other.grow(20); !errors.Is(err, plait.ErrOverloaded) {
		t.Errorf("got %v, want overloaded", err)
	}
	l.release()
	other.release()
}

func TestABodyThatKeepsComingIsNotShed(t *testing.T) {
	b, clock := newTestBudget(100)
	l, other := b.lease("a"), b.lease("b")
	comeIn(t, l)
	if err := l.grow(90); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		clock.pass(slowAfter / 2)
		if err := l.progress(progressBytes, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	if err := other.grow(20); !errors.Is(err, plait.ErrOverloaded) {
		t.Errorf("got %v, want overloaded", err)
	}
	// A byte now and then is no progress.
	for range 10 {
		clock.pass(slowAfter / 2)
		if err := l.progress(1, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	if err := other.grow(20); err != nil {
		t.Errorf("got %v, want room", err)
	}
	l.release()
	other.release()
}

func TestASenderWithMostOfTheMemoryGetsNoMoreWhileOthersWait(t *testing.T) {
	b, clock := newTestBudget(100)
	var busy []*lease
	take := func() error {
		l := b.lease("busy")
		busy = append(busy, l)
		return l.grow(10)
	}
	for range 10 {
		if err := take(); err != nil {
			t.Fatal(err)
		}
	}
	small := b.lease("small")
	if err := small.grow(10); !errors.Is(err, plait.ErrOverloaded) {
		t.Fatalf("got %v, want overloaded", err)
	}
	for _, l := range busy[:2] {
		l.release()
	}
	if err := take(); !errors.Is(err, plait.ErrOverloaded) {
		t.Errorf("the busy sender takes what the other waits for: %v", err)
	}
	if err := small.grow(10); err != nil {
		t.Errorf("at the second try: %v", err)
	}
	clock.pass(contentionTime)
	if err := take(); err != nil {
		t.Errorf("when nobody waits any more: %v", err)
	}
	small.release()
	for _, l := range busy {
		l.release()
	}
	if used := b.inUse(); used != 0 || len(b.senders) != 0 {
		t.Errorf("%d bytes are held, by %d senders", used, len(b.senders))
	}
}

// fits says whether n more bytes are free at this moment or can be freed, and the error of grow if not.
func (b *budget) fits(from string, n int64) error {
	l := b.lease(from)
	defer l.release()
	return l.grow(n)
}
