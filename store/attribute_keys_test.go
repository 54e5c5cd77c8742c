package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
)

func attributeNames(t *testing.T, s *store.Store) query.AttributeNames {
	t.Helper()
	names, err := s.AttributeNames(t.Context(), 10_000)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func keyed(keys ...string) (a plait.Attributes) {
	for _, key := range keys {
		a = append(a, plait.Attribute{Key: key, Value: plait.StringValue("v")})
	}
	return a
}

func TestKeysAreListedWhereverTheirAttributesStand(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	now := time.Now()
	s := storetest.Open(t, url, storetest.Now(func() time.Time { return now }))
	one := span(plait.TraceID{1}, 1, 0, "web", "GET /", now, time.Hour, time.Second)
	one.Attributes = keyed("rare", "with\x00nul")
	one.Scope = &plait.Scope{Attributes: keyed("of.scope")}
	one.Events = []plait.Event{{Name: "e", Attributes: keyed("of.event")}}
	one.Links = []plait.Link{{Attributes: keyed("of.link")}}
	writeSpans(t, s, one)
	for n := range 600 { // keys of which each repeats, so that they stand in sets
		other := span(plait.TraceID{2, byte(n >> 8), byte(n)}, 1, 0, "web", "GET /often", now, time.Minute, time.Second)
		other.Attributes = keyed("often")
		writeSpans(t, s, other)
	}
	writeLogs(t, s, func() plait.LogRecord {
		r := record(plait.TraceID{1}, 1, "web", "said", now, time.Minute)
		r.Attributes = keyed("of.log")
		return r
	}())
	want := query.AttributeNames{
		Spans: []string{"often", "rare", "with\ufffdnul"}, Resources: []string{"service.name"},
		Scopes: []string{"of.scope"}, Events: []string{"of.event"}, Links: []string{"of.link"},
	}
	if diff := cmp.Diff(want, attributeNames(t, s)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, attributeNames(t, storetest.Open(t, url))); diff != "" {
		t.Errorf("another gateway lists others (-want +got):\n%s", diff)
	}
}

func TestKeysThatComeWithoutEndDoNotFillTheList(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := storetest.New(t, storetest.Now(func() time.Time { return now }))
	var spans []plait.Span
	for n := range 500 {
		one := span(plait.TraceID{1, byte(n >> 8), byte(n)}, 1, 0, "web", "GET /", now, time.Minute, time.Second)
		one.Attributes = nil
		for m := range 10 {
			one.Attributes = append(one.Attributes, keyed(fmt.Sprintf("id.%d", 10*n+m))...)
		}
		spans = append(spans, one)
	}
	writeSpans(t, s, spans...)
	if listed := len(attributeNames(t, s).Spans); listed < 1000 || listed > 3000 {
		t.Errorf("%d of 5000 keys are listed", listed)
	}
}

func TestAKeyTellsOnWhichDayItCameLast(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	clock := time.Now()
	s := storetest.Open(t, url, storetest.Now(func() time.Time { return clock }))
	conn := connect(t, url)
	lastUsed := func(key string) (day time.Time) {
		t.Helper()
		if err := conn.QueryRow(t.Context(), `SELECT last_used FROM plait_store.attribute_key WHERE place = 1 AND key = $1`, key).Scan(&day); err != nil {
			t.Fatal(err)
		}
		return day
	}
	for _, keys := range [][]string{{"kept", "left"}, {"kept"}} {
		one := span(plait.TraceID{1}, 1, 0, "web", "GET /", clock, 0, time.Second)
		one.Attributes = keyed(keys...)
		writeSpans(t, s, one)
		clock = clock.Add(24 * time.Hour)
	}
	if left, kept := lastUsed("left"), lastUsed("kept"); !kept.Equal(left.Add(24 * time.Hour)) {
		t.Errorf("kept was used %v, left %v", kept, left)
	}
}
