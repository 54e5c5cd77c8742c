package loki_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/loki"
)

func TestWhatIsEncodedIsRead(t *testing.T) {
	t.Parallel()
	body := loki.Encode([]loki.Stream{
		{Labels: []plait.Label{{Name: "service_name", Value: "cart"}, {Name: "env", Value: "a \"b\"\n\\"}}, Entries: []loki.Entry{
			{TimeNanos: 1_700_000_000_000_000_001, Line: "one", Metadata: []plait.Label{{Name: "trace_id", Value: trace}, {Name: "user", Value: "ü"}}},
			{TimeNanos: -1, Line: "before 1970"},
		}},
		{Labels: []plait.Label{{Name: "app", Value: "shop"}}, Entries: []loki.Entry{{TimeNanos: 7, Line: ""}}},
	})
	got, err := loki.Decode(body, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`1700000000000000001 "one" {service.name=cart env=a "b"` + "\n" + `\ loki.resource.labels=env,service_name} {trace_id=` + trace + ` user=ü}  ` + trace + ` 0000000000000000`,
		`-1 "before 1970" {service.name=cart env=a "b"` + "\n" + `\ loki.resource.labels=env,service_name} {}  ` + none,
		`7 "" {service.name=shop app=shop loki.resource.labels=app} {}  ` + none,
	}
	if diff := cmp.Diff(want, written(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
