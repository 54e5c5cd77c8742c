package otlp

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMemoryIsUsedAgain(t *testing.T) { // not in parallel: it counts allocations
	m := new(Memory)
	spans, logs := EncodeTraces(typicalSpans(500)), EncodeLogs(typicalLogs(500))
	decode := func() {
		if _, err := m.DecodeTraces(spans, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := m.DecodeLogs(logs, nil); err != nil {
			t.Fatal(err)
		}
		m.Reset()
	}
	decode() // pieces grow
	decode()
	if n := testing.AllocsPerRun(10, decode); n > 100 { // resources, scopes, and what is copied of values
		t.Errorf("%g allocations for 1,000 records", n)
	}
}

func TestALargeRequestIsNotKeptInMemory(t *testing.T) {
	t.Parallel()
	m := new(Memory)
	for _, n := range []int{100_000, 10, 3000} {
		want := typicalSpans(n)
		got, err := m.DecodeTraces(EncodeTraces(want), nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want[n-10:], got.Spans[n-10:], same); diff != "" {
			t.Errorf("%d spans: %s", n, diff)
		}
		m.Reset()
		if cap(m.spans) > maxKeptRecords || len(m.attributes.kept) > maxKept {
			t.Errorf("after %d spans there are %d kept, and %d pieces", n, cap(m.spans), len(m.attributes.kept))
		}
	}
}
