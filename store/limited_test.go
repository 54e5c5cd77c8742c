package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
)

func TestWhenLimitsLeftRecordsOutIsRemembered(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	start := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	at := func(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }
	note := func(s *store.Store, minutes, second int, service string, came, out int64, share float64) {
		when := at(minutes).Add(time.Duration(second) * time.Second)
		s.NoteLimited(plait.Limited{Signal: "traces", Service: service, From: when, To: when, Came: came, SampledOut: out, LeastShare: share})
	}
	all := plait.TimeRange{From: at(-100), To: at(100)}
	read := func(s *store.Store, r plait.TimeRange) []plait.Limited {
		t.Helper()
		got, err := s.Limited(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}

	first := storetest.Open(t, url)
	note(first, 0, 3, "", 10, 5, 0.5)
	note(first, 0, 30, "", 10, 9, 0.1)
	note(first, 1, 0, "", 10, 0, 0.95) // in force, and nothing was left out
	note(first, 2, 0, "", 10, 3, 0.9)
	note(first, 0, 40, "cart", 10, 6, 0.7)
	note(first, 0, 40, "till", 10, 7, 0.7)
	note(first, 2, 10, "shop\x00", 10, 4, 0.4)
	read(first, all) // writes it
	note(first, 3, 1, "", 10, 0, 0.7)
	first.Close() // what was not written yet is written now

	second, third := storetest.Open(t, url), storetest.Open(t, url)
	note(second, 3, 2, "", 10, 1, 0.8)
	note(third, 3, 2, "", 10, 2, 0.6)
	read(third, all)
	want := []plait.Limited{
		{Signal: "traces", From: at(2), To: at(4), Came: 40, SampledOut: 6, LeastShare: 0.6},
		{Signal: "traces", Service: "shop\ufffd", From: at(2), To: at(3), Came: 10, SampledOut: 4, LeastShare: 0.4},
		{Signal: "traces", From: at(0), To: at(1), Came: 20, SampledOut: 14, LeastShare: 0.1},
		{Signal: "traces", Service: "till", From: at(0), To: at(1), Came: 10, SampledOut: 7, LeastShare: 0.7},
		{Signal: "traces", Service: "cart", From: at(0), To: at(1), Came: 10, SampledOut: 6, LeastShare: 0.7},
	}
	if diff := cmp.Diff(want, read(second, all)); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	part := []plait.Limited{{Signal: "traces", From: at(3), To: at(4), Came: 30, SampledOut: 3, LeastShare: 0.6}}
	if diff := cmp.Diff(part, read(second, plait.TimeRange{From: at(3).Add(59 * time.Second), To: at(9)})); diff != "" {
		t.Errorf("of a range that begins in a minute (-want +got):\n%s", diff)
	}
	if got := read(second, plait.TimeRange{From: at(1), To: at(2)}); len(got) != 0 {
		t.Errorf("of a range in which nothing was left out: %+v", got)
	}
}

func TestWhatLimitsDidGoesWithTheTelemetry(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	s := storetest.Open(t, storetest.URL(t), storetest.Now(func() time.Time { return now }), storetest.Retention(48*time.Hour))
	for _, ago := range []time.Duration{time.Hour, 47 * time.Hour, 49 * time.Hour} {
		for _, signal := range []string{"traces", "logs"} {
			s.NoteLimited(plait.Limited{Signal: signal, From: now.Add(-ago), To: now.Add(-ago), Came: 2, SampledOut: 1, LeastShare: 0.5})
		}
	}
	always := plait.TimeRange{From: now.Add(-1000 * time.Hour), To: now}
	before, err := s.Limited(t.Context(), always)
	if err == nil {
		err = s.Upkeep(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	after, err := s.Limited(t.Context(), always)
	if err != nil || len(before) != 6 || len(after) != 4 || !after[3].From.Equal(now.Add(-47*time.Hour)) {
		t.Errorf("of %d times %d are left: %+v, %v", len(before), len(after), after, err)
	}
}

func TestADatabaseThatTakesNoWritesTellsOfLimitsAllTheSame(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s, conn := storetest.Open(t, url), connect(t, url)
	now := time.Now()
	setReadOnly(t, conn, "on")
	s.NoteLimited(plait.Limited{Signal: "traces", From: now, To: now, Came: 2, SampledOut: 1, LeastShare: 0.5})
	read := func() (told []plait.Limited, err error) {
		for range 20 { // the pool has dead connections at first
			if told, err = s.Limited(t.Context(), plait.TimeRange{From: now.Add(-time.Hour), To: now.Add(time.Hour)}); err == nil {
				return told, nil
			}
		}
		return nil, err
	}
	if told, err := read(); err != nil || len(told) != 0 {
		t.Errorf("while it takes no writes: %+v, %v", told, err)
	}
	setReadOnly(t, conn, "off")
	for range 20 { // until a connection that was made before is gone
		if told, err := read(); err != nil || len(told) == 1 {
			if err != nil {
				t.Error(err)
			}
			return
		}
	}
	t.Error("what was noted meanwhile is not told when the database takes writes again")
}
