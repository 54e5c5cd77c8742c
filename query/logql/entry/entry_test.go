package entry_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/logql/entry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func maker(t *testing.T) *entry.Maker {
	t.Helper()
	m, err := entry.NewMapping(entry.DefaultLabels())
	if err != nil {
		t.Fatal(err)
	}
	return m.NewMaker()
}

func text(key, value string) plait.Attribute {
	return plait.Attribute{Key: key, Value: plait.StringValue(value)}
}

func sorted(labels []plait.Label) []string {
	var all []string
	for _, l := range labels {
		all = append(all, l.Name+"="+l.Value)
	}
	slices.Sort(all)
	return all
}

func TestAttributesBecomeLabelsAndMetadataAsLokiHasThem(t *testing.T) {
	t.Parallel()
	record := &plait.LogRecord{
		TimeNanos: 5, Body: plait.StringValue("line"), Severity: 17, SeverityText: "ERROR", Flags: 1,
		TraceID: plait.TraceID{0x4b, 15: 0x36}, SpanID: plait.SpanID{7: 1},
		Resource: &plait.Resource{Attributes: plait.Attributes{
			text("k8s.pod.name", "p-1"), text("service.name", "cart"), text("host.name", "n"), text("empty", ""), text("service_name", "other"),
		}},
		Scope: &plait.Scope{Name: "lib", Version: "2", Attributes: plait.Attributes{text("kind", "auto"), text("host.name", "scope's")}},
		Attributes: plait.Attributes{
			{Key: "ratio", Value: plait.DoubleValue(4)}, {Key: "n", Value: plait.IntValue(7)}, {Key: "ok", Value: plait.BoolValue(true)},
			{Key: "tags", Value: plait.ArrayValue(`["x"]`)}, {Key: "nested", Value: plait.MapValue(`{"a":1,"b":{"c":"deep"}}`)},
			{Key: "raw", Value: plait.BytesValue("hi")}, text("trace_id", "another"), text("detected_level", "another"),
		},
	}
	e := maker(t).Entry(record)
	if e.TimeNanos != 5 || e.Line != "line" {
		t.Errorf("%d %q", e.TimeNanos, e.Line)
	}
	if diff := cmp.Diff([]string{"k8s_pod_name=p-1", "service_name=cart"}, sorted(e.Stream)); diff != "" {
		t.Error(diff)
	}
	want := []string{
		"detected_level=error", "flags=1", "host_name=n", "kind=auto", "n=7", "nested_a=1", "nested_b_c=deep", "ok=true", "ratio=4", "raw=aGk=",
		"scope_name=lib", "scope_version=2", "severity_number=17", "severity_text=ERROR", "span_id=0000000000000001",
		`tags=["x"]`, "trace_id=4b000000000000000000000000000036",
	}
	if diff := cmp.Diff(want, sorted(e.Metadata)); diff != "" {
		t.Error(diff)
	}
}

func TestARecordWithoutAnythingHasServiceAndLevel(t *testing.T) {
	t.Parallel()
	e := maker(t).Entry(&plait.LogRecord{Resource: &plait.Resource{}})
	if diff := cmp.Diff([]string{"service_name=unknown_service", "detected_level=unknown"}, append(sorted(e.Stream), sorted(e.Metadata)...)); diff != "" {
		t.Error(diff)
	}
}

func TestPushedStreamsKeepTheirLabels(t *testing.T) {
	t.Parallel()
	r := &plait.Resource{Attributes: plait.Attributes{
		text("service.name", "shop"), text("env", "dev"), text("level", "info"), text("k8s.pod.name", "p"), text(entry.LabelsAttribute, "service_name,env,level"),
	}}
	e := maker(t).Entry(&plait.LogRecord{Resource: r, Severity: 9, Attributes: plait.Attributes{text("pod", "shop-1")}})
	if diff := cmp.Diff([]string{"env=dev", "level=info", "service_name=shop"}, sorted(e.Stream)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"detected_level=info", "k8s_pod_name=p", "pod=shop-1"}, sorted(e.Metadata)); diff != "" {
		t.Error(diff)
	}
}

func TestMappingsAreBounded(t *testing.T) {
	t.Parallel()
	for _, labels := range [][]string{make([]string, entry.MaxLabels+1), {""}} {
		if _, err := entry.NewMapping(labels); err == nil {
			t.Errorf("%d labels are taken", len(labels))
		}
	}
}
