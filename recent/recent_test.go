package recent_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/plaithq/plait/recent"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWhatIsUsedStays(t *testing.T) {
	m := recent.OfSize[int, int](100)
	for i := range 10_000 {
		m.Put(i, i)
		if v, ok := m.Get(0); !ok || v != 0 {
			t.Fatalf("0 is forgotten after %d others though it was asked for", i)
		}
	}
	if m.Len() > 100 || m.Len() < 50 {
		t.Errorf("%d entries, want about 100", m.Len())
	}
	if _, ok := m.Get(5000); ok {
		t.Error("an entry from long ago is remembered")
	}
}

func TestBytesStayBelowTheLimit(t *testing.T) {
	const limit = 1 << 20
	texts := func(k, v string) int { return len(k) + len(v) }
	m := recent.New(limit, texts)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 20_000 {
		key := strings.Repeat("k", random.IntN(400))
		switch random.IntN(8) {
		case 0:
			m.Forget(key)
		case 1:
			m.Get(key)
		default:
			m.Put(key, strings.Repeat("v", random.IntN(100_000)>>random.IntN(12)))
		}
		if m.Bytes() > limit || m.Bytes() < 0 {
			t.Fatalf("%d bytes after %d steps, the limit is %d", m.Bytes(), i, limit)
		}
	}
	m.Clear()
	if m.Len() != 0 || m.Bytes() != 0 {
		t.Errorf("%d entries of %d bytes after all were removed", m.Len(), m.Bytes())
	}
}

func TestAnEntryLargerThanTheMapIsNotRemembered(t *testing.T) {
	m := recent.New(10_000, func(_ int, v string) int { return len(v) })
	m.Put(1, "small")
	m.Put(2, "small")
	m.Put(1, strings.Repeat("x", 6_000))
	if _, ok := m.Get(1); ok {
		t.Error("what is larger than half of the map is there, or what it was before is")
	}
	if _, ok := m.Get(2); !ok {
		t.Error("what is larger than half of the map has pushed out others")
	}
}

func TestForgottenIsForgottenInBothGenerations(t *testing.T) {
	m := recent.OfSize[int, int](10)
	m.Put(0, 0)
	for i := range 5 {
		m.Put(i+1, i)
	}
	m.Get(0) // in both
	m.Forget(0)
	if _, ok := m.Get(0); ok {
		t.Error("a forgotten entry is there")
	}
}
