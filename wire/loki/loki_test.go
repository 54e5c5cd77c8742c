package loki_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/loki"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// message is a protobuf message of fields with bytes.
func message(fields ...any) (b []byte) {
	for i := 0; i < len(fields); i += 2 {
		switch v := fields[i+1].(type) {
		case string:
			b = protowire.AppendString(protowire.AppendTag(b, protowire.Number(fields[i].(int)), protowire.BytesType), v)
		case []byte:
			b = protowire.AppendBytes(protowire.AppendTag(b, protowire.Number(fields[i].(int)), protowire.BytesType), v)
		case int:
			b = protowire.AppendVarint(protowire.AppendTag(b, protowire.Number(fields[i].(int)), protowire.VarintType), uint64(v))
		}
	}
	return b
}

// written is what a request became, a line a record.
func written(b *plait.Logs) (lines []string) {
	for _, r := range b.Records {
		var a []string
		for _, of := range []plait.Attributes{r.Resource.Attributes, r.Attributes} {
			var pairs []string
			for _, p := range of {
				pairs = append(pairs, p.Key+"="+p.Value.Text())
			}
			a = append(a, strings.Join(pairs, " "))
		}
		lines = append(lines, fmt.Sprintf("%d %q {%s} {%s} %s %s %s", r.TimeNanos, r.Body.Text(), a[0], a[1], r.Severity, r.TraceID, r.SpanID))
	}
	for _, r := range b.Refused {
		lines = append(lines, fmt.Sprintf("refused %d: %s", r.Count, r.Reason))
	}
	return lines
}

const (
	trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	span  = "00f067aa0ba902b7"
	none  = "00000000000000000000000000000000 0000000000000000"
)

func TestPushesBecomeRecords(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		json string
		want []string
	}{
		{`{"streams":[{"stream":{"service_name":"cart","level":"warn","env":"dev"},"values":[["1700000000123456789","a line",{"trace_id":"` + trace + `","span_id":"` + span + `","pod":"p"}],["17","b"]]}]}`, []string{
			`1700000000123456789 "a line" {service.name=cart env=dev level=warn loki.resource.labels=env,level,service_name} {trace_id=` + trace + ` span_id=` + span + ` pod=p} WARN ` + trace + ` ` + span,
			`17 "b" {service.name=cart env=dev level=warn loki.resource.labels=env,level,service_name} {} WARN ` + none,
		}},
		{`{"streams":[{"values":[["1","values before labels"]],"stream":{"app":"x"}}],"other":1}`, []string{
			`1 "values before labels" {service.name=x app=x loki.resource.labels=app} {}  ` + none,
		}},
		{`{"streams":[{"stream":{"env":"dev"},"values":[[5,"info as a word"],["6","critical (really)"],["7","information"]]}]}`, []string{
			`5 "info as a word" {env=dev loki.resource.labels=env} {} INFO ` + none, `6 "critical (really)" {env=dev loki.resource.labels=env} {} FATAL ` + none,
			`7 "information" {env=dev loki.resource.labels=env} {}  ` + none,
		}},
		{`{"streams":[{"stream":{"a.b":"x"},"values":[["1","l"],["2","l"]]},{"stream":{},"values":[["1","l"]]},{"stream":{"a":"x"},"values":[["1"],["2","ok"]]}]}`, []string{
			`2 "ok" {a=x loki.resource.labels=a} {}  ` + none,
			`refused 2: stream 0: "a.b" is no name of a label: want letters, digits and _, and no digit first`, `refused 1: stream 1: it has no labels`,
			`refused 1: stream 2, an entry: it has no time or no line`,
		}},
		{`{"streams":[{"stream":{"trace_id":"` + trace + `"},"values":[["1","l"]]}]}`, []string{
			`1 "l" {trace_id=` + trace + ` loki.resource.labels=trace_id} {}  ` + trace + ` 0000000000000000`,
		}},
		{`{"streams":[]}`, nil}, {`{}`, nil},
	} {
		got, err := loki.DecodeJSON([]byte(tt.json), nil)
		if err != nil {
			t.Errorf("%s: %v", tt.json, err)
			continue
		}
		if diff := cmp.Diff(tt.want, written(got)); diff != "" {
			t.Errorf("%s: %s", tt.json, diff)
		}
	}
}

func TestProtobufIsReadAsJSONIs(t *testing.T) {
	t.Parallel()
	body := message(1, message(
		2, message(1, message(1, 1700000000, 2, 123456789), 2, "a line", 3, message(1, "trace_id", 2, trace), 3, message(1, "pod", 2, "p")),
		1, `{service_name="cart", env="a \"b\"",}`,
		2, message(2, "without a time"),
	), 1, message(1, `no labels`, 2, message(2, "l")), 1, message(1, "{}", 2, message(2, "l")))
	got, err := loki.Decode(body, nil)
	if err != nil {
		t.Fatal(err)
	}
	resource := `{service.name=cart env=a "b" loki.resource.labels=env,service_name}`
	want := []string{
		`1700000000123456789 "a line" ` + resource + ` {trace_id=` + trace + ` pod=p}  ` + trace + ` 0000000000000000`,
		`0 "without a time" ` + resource + ` {}  ` + none,
		`refused 1: stream 1: labels are written as {app="cart"}, not "no labels"`, `refused 1: stream 2: it has no labels`,
	}
	if diff := cmp.Diff(want, written(got)); diff != "" {
		t.Error(diff)
	}
}

func TestTheFormOfFirstClientsIsRead(t *testing.T) {
	t.Parallel()
	b, err := loki.DecodeJSON([]byte(`{"streams":[{"entries":[{"ts":"2026-11-21T10:00:00.000000005Z","line":"a","structuredMetadata":{"user":"u"}},{"line":"b"},{"ts":"9999-01-01T00:00:00Z"}],
		"labels":"{app=\"cart\", level=\"warn\"}"},{"labels":"app","entries":[{"line":"c"}]}]}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`1795255200000000005 "a" {service.name=cart app=cart level=warn loki.resource.labels=app,level} {user=u} WARN ` + none,
		`0 "b" {service.name=cart app=cart level=warn loki.resource.labels=app,level} {} WARN ` + none,
		`9223372036854775807 "" {service.name=cart app=cart level=warn loki.resource.labels=app,level} {} WARN ` + none,
		`refused 1: stream 1: labels are written as {app="cart"}, not "app"`,
	}
	if diff := cmp.Diff(want, written(b)); diff != "" {
		t.Error(diff)
	}
	if _, err := loki.DecodeJSON([]byte(`{"streams":[{"labels":"{a=\"b\"}","entries":[{"ts":"yesterday","line":"a"}]}]}`), nil); err == nil || !strings.Contains(err.Error(), "byte 51: a time is not in RFC 3339") {
		t.Error(err)
	}
}

func TestMalformedPushesAreRefused(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		``, `x`, `{"streams":[{"stream":{"a":"b"},"values":[["x","l"]]}]}`, `{"streams":[{"stream":{"a":1},"values":[]}]}`,
		`{"streams":[{"stream":{"a":"b"},"values":[["1","l",{"k":{}}]]}]}`, `{"streams":[{"stream":{"a":"b"},"values":[["1","l"]]}]} x`, `{"streams":[`,
	} {
		if _, err := loki.DecodeJSON([]byte(body), nil); !errors.Is(err, plait.ErrInvalid) {
			t.Errorf("%q: %v", body, err)
		}
	}
	good := message(1, message(1, `{a="b"}`, 2, message(2, "line")))
	for n := 1; n < len(good); n++ {
		if _, err := loki.Decode(good[:n], nil); !errors.Is(err, plait.ErrInvalid) {
			t.Errorf("the first %d bytes: %v", n, err)
		}
	}
}

func TestStreamsAndLabelsAreBounded(t *testing.T) {
	t.Parallel()
	var labels []string
	for i := range loki.MaxLabels + 1 {
		labels = append(labels, fmt.Sprintf(`"l%d":"x"`, i))
	}
	many := `{"streams":[{"stream":{` + strings.Join(labels, ",") + `},"values":[["1","l"]]},{"stream":{"a":"` + strings.Repeat("x", loki.MaxLabelValue+1) + `"},"values":[["1","l"]]}` +
		strings.Repeat(`,{"stream":{"a":"b"},"values":[["1","l"]]}`, loki.MaxStreams) + `]}`
	got, err := loki.DecodeJSON([]byte(many), nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(got.Records); n != loki.MaxStreams-2 || len(got.Refused) != 3 {
		t.Errorf("%d records, %v", n, got.Refused)
	}
}

func TestMemoryIsAskedFor(t *testing.T) {
	t.Parallel()
	refuse := errors.New("no")
	body := `{"streams":[{"stream":{"a":"b"},"values":[` + strings.Repeat(`["1",""],`, 100_000) + `["1",""]]}]}`
	for _, most := range []int64{0, 100 << 10, 10 << 20} {
		var asked int64
		_, err := loki.DecodeJSON([]byte(body), func(n int64) error {
			if asked += n; asked > most {
				return refuse
			}
			return nil
		})
		if !errors.Is(err, refuse) || asked > most+(1<<20) {
			t.Errorf("with %d bytes: %v after %d", most, err, asked)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(message(1, message(1, `{a="b"}`, 2, message(1, message(1, 1), 2, "line", 3, message(1, "k", 2, "v")))))
	f.Add(binary.AppendUvarint(nil, 1<<40))
	f.Fuzz(func(t *testing.T, body []byte) {
		if b, err := loki.Decode(body, nil); err == nil {
			checkRecords(t, b)
		} else if !errors.Is(err, plait.ErrInvalid) {
			t.Error(err)
		}
	})
}

func FuzzDecodeJSON(f *testing.F) {
	f.Add([]byte(`{"streams":[{"labels":"{a=\"b\"}","entries":[{"ts":"2026-11-21T10:00:00Z","line":"a","structuredMetadata":{"u":"v"}}]}]}`))
	f.Add([]byte(`{"streams":[{"stream":{"a":"b"},"values":[["1","l",{"k":"v"}]]}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if b, err := loki.DecodeJSON(body, nil); err == nil {
			checkRecords(t, b)
		} else if !errors.Is(err, plait.ErrInvalid) {
			t.Error(err)
		}
	})
}

func checkRecords(t *testing.T, b *plait.Logs) {
	for _, r := range b.Records {
		if r.Resource == nil || r.Scope == nil || len(r.Resource.Attributes) < 2 {
			t.Errorf("%+v", r)
		}
	}
}
