package store_test

import (
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
	questions "github.com/plaithq/plait/query"
	"github.com/plaithq/plait/store/storetest"
)

func TestLogRecordsAreCountedByResourceAndStep(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	base := time.Now().Add(-time.Hour).Truncate(time.Minute)
	of := func(service string) *plait.Resource {
		return &plait.Resource{Attributes: plait.Attributes{{Key: "service.name", Value: plait.StringValue(service)}}}
	}
	cart, shop := of("cart"), of("shop")
	record := func(r *plait.Resource, after time.Duration, body string) plait.LogRecord {
		return plait.LogRecord{TimeNanos: base.Add(after).UnixNano(), Resource: r, Scope: &plait.Scope{}, Body: plait.StringValue(body)}
	}
	if _, err := s.WriteLogs(t.Context(), &plait.Logs{Records: []plait.LogRecord{
		record(cart, -time.Microsecond, "before"), record(cart, 0, "12345"), record(cart, 30*time.Second, "123"), record(cart, 90*time.Second, "1"),
		record(shop, 95*time.Second, "12"), record(shop, 2*time.Minute, "behind"),
	}}); err != nil {
		t.Fatal(err)
	}
	all, err := s.LogStreams(t.Context(), questions.LogStreams{Range: plait.TimeRange{From: base, To: base.Add(2 * time.Minute)}, Step: time.Minute})
	if err != nil {
		t.Fatal(err)
	}

	got := map[string][]questions.LogStep{}
	for _, stream := range all {
		got[stream.Resource.Service()] = stream.Steps
	}
	want := map[string][]questions.LogStep{"cart": {{Index: 0, Count: 2, Bytes: 8}, {Index: 1, Count: 1, Bytes: 1}}, "shop": {{Index: 1, Count: 1, Bytes: 2}}}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	whole, err := s.LogStreams(t.Context(), questions.LogStreams{Range: plait.TimeRange{From: base, To: base.Add(2 * time.Minute)}})
	if err != nil || len(whole) != 2 || len(whole[0].Steps) != 1 {
		t.Errorf("%+v, %v", whole, err)
	}
}
