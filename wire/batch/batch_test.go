package batch

import (
	"errors"
	"fmt"
	"testing"

	"go.uber.org/goleak"

	"github.com/plaithq/plait"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMemoryIsAskedForAsSpansCome(t *testing.T) {
	t.Parallel()
	var asked int64
	refusal := errors.New("no more")
	b := New(func(n int64) error {
		if asked += n; asked > 1<<20 {
			return refusal
		}
		return nil
	})
	var err error
	n := 0
	for ; err == nil && n < 100_000; n++ {
		err = b.Add(&plait.Span{Attributes: make(plait.Attributes, 10)}, 100)
	}
	if !errors.Is(err, refusal) || n > 2000 {
		t.Errorf("%d spans were taken with 1 MiB: %v", n, err)
	}
}

func TestWhatIsTakenBelowAStepIsAskedForAtTheEnd(t *testing.T) {
	t.Parallel()
	refusal := errors.New("no more")
	b := New(func(int64) error { return refusal })
	if err := b.Add(&plait.Span{}, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Result(); !errors.Is(err, refusal) {
		t.Errorf("the end of the request: %v", err)
	}
}

func TestReasonsAreFewAndEachSpanCounts(t *testing.T) {
	t.Parallel()
	b := New(nil)
	for i := range 100 {
		b.Refuse(func() string { return fmt.Sprint("span ", i) })
	}
	if _, err := b.Result(); !errors.Is(err, plait.ErrInvalid) {
		t.Errorf("nothing but refused spans: %v", err)
	}
	if err := b.Add(&plait.Span{}, 0); err != nil {
		t.Fatal(err)
	}
	traces, err := b.Result()
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, r := range traces.Refused {
		count += r.Count
	}
	if count != 100 || len(traces.Refused) != maxReasons+1 {
		t.Errorf("%d spans refused for %d reasons", count, len(traces.Refused))
	}
}

func TestSpansOfAKeyShareTheirResource(t *testing.T) {
	t.Parallel()
	b := New(nil)
	made := 0
	resource := func(key string) *plait.Resource {
		r, err := b.Resource(key, func() plait.Attributes { made++; return nil })
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	first, again, other := resource("a"), resource("a"), resource("b")
	if first != again || first == other || made != 2 {
		t.Errorf("%d resources are made", made)
	}
}
