package xray

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/plaithq/plait"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// request is a request of PutTraceSegments with the given documents.
func request(t testing.TB, documents ...string) []byte {
	t.Helper()
	b, err := json.Marshal(map[string]any{"TraceSegmentDocuments": documents})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const trace = "1-5759e988-bd862e3fe1be46a994272793"

// full has everything for which X-Ray has a field. What a segment says of its id stands behind what is in it.
const full = `{"name":"shop","start_time":1795000000.000000001,"end_time":1795000000.25,"origin":"AWS::EC2::Instance","user":"u7",
	"http":{"request":{"method":"GET","url":"http://shop/cart?id=7","user_agent":"curl","client_ip":"10.0.0.1","x_forwarded_for":true},"response":{"status":500,"content_length":12}},
	"aws":{"account_id":"123","region":"eu-west-1","ec2":{"instance_id":"i-1"},"xray":{"sdk":"X-Ray for Go"}},
	"service":{"version":"1.2","runtime":"go"},
	"annotations":{"tier":"gold","count":3,"ratio":0.5,"new":true},"metadata":{"default":{"cart":{"lines":[1,2]}},"debug":{"x":"y"}},
	"error":false,"throttle":true,"fault":true,
	"cause":{"working_directory":"/srv","exceptions":[{"id":"e1","type":"Refused","message":"no money","remote":true,"stack":[{"path":"pay.go","line":7,"label":"pay"},{"path":"main.go","line":3,"label":"main"}]},{"message":"second"}]},
	"links":[{"trace_id":"1-00000000-000000000000000000000009","id":"0000000000000004","attributes":{"kind":"sqs"}}],"of tomorrow":[1],
	"subsegments":[
		{"name":"pay.example.com","id":"0000000000000002","start_time":1795000000.01,"end_time":1795000000.13,"namespace":"remote","cause":"e1",
			"subsegments":[{"id":"0000000000000003","name":"dial","start_time":1795000000.01,"end_time":1795000000.02}]},
		{"name":"query","id":"0000000000000005","start_time":1795000000.14,"end_time":1795000000.15,"sql":{"sanitized_query":"SELECT ?","database_type":"PostgreSQL"},"precursor_ids":["0000000000000002"]}],
	"trace_id":"` + trace + `","id":"0000000000000001","parent_id":"000000000000000f"}`

func wantFull() []plait.Span {
	id := plait.TraceID{0x57, 0x59, 0xe9, 0x88, 0xbd, 0x86, 0x2e, 0x3f, 0xe1, 0xbe, 0x46, 0xa9, 0x94, 0x27, 0x27, 0x93}
	resource := &plait.Resource{Attributes: plait.Attributes{text("service.name", "shop"), text("service.version", "1.2"), text("aws.xray.origin", "AWS::EC2::Instance")}}
	number := func(key string, n int64) plait.Attribute {
		return plait.Attribute{Key: key, Value: plait.IntValue(n)}
	}
	object := func(key, json string) plait.Attribute {
		return plait.Attribute{Key: key, Value: plait.MapValue(json)}
	}
	yes := func(key string) plait.Attribute { return plait.Attribute{Key: key, Value: plait.BoolValue(true)} }
	list := func(key, json string) plait.Attribute {
		return plait.Attribute{Key: key, Value: plait.ArrayValue(json)}
	}
	const start = 1_795_000_000_000_000_000
	span := func(number byte, name string, kind plait.SpanKind, parent byte, from, to int64, a ...plait.Attribute) plait.Span {
		return plait.Span{TraceID: id, SpanID: plait.SpanID{7: number}, ParentSpanID: plait.SpanID{7: parent}, Name: name, Kind: kind,
			StartNanos: start + from, EndNanos: start + to, Resource: resource, Scope: &plait.Scope{}, Attributes: a}
	}
	shop := span(1, "shop", plait.SpanKindServer, 15, 1, 250_000_000,
		text("enduser.id", "u7"), text("http.request.method", "GET"), text("url.full", "http://shop/cart?id=7"), text("user_agent.original", "curl"), text("client.address", "10.0.0.1"),
		yes("http.request.x_forwarded_for"), number("http.response.status_code", 500), number("http.response.body.size", 12),
		text("cloud.account.id", "123"), text("cloud.region", "eu-west-1"), object("aws.ec2", `{"instance_id":"i-1"}`), object("aws.xray", `{"sdk":"X-Ray for Go"}`),
		text("aws.xray.service.runtime", "go"), text("tier", "gold"), number("count", 3), plait.Attribute{Key: "ratio", Value: plait.DoubleValue(0.5)}, yes("new"),
		object("aws.xray.metadata.default", `{"cart":{"lines":[1,2]}}`), object("aws.xray.metadata.debug", `{"x":"y"}`), yes("aws.xray.throttle"), yes("aws.xray.fault"),
		text("aws.xray.cause.working_directory", "/srv"), list("aws.xray.of tomorrow", "[1]"))
	shop.Status, shop.StatusMessage = plait.StatusError, "no money"
	shop.Events = []plait.Event{
		{TimeNanos: start + 250_000_000, Name: "exception", Attributes: plait.Attributes{text("aws.xray.exception.id", "e1"), text("exception.type", "Refused"), text("exception.message", "no money"),
			yes("aws.xray.exception.remote"), text("exception.stacktrace", "at pay (pay.go:7)\nat main (main.go:3)\n")}},
		{TimeNanos: start + 250_000_000, Name: "exception", Attributes: plait.Attributes{text("exception.message", "second")}},
	}
	shop.Links = []plait.Link{{TraceID: plait.TraceID{15: 9}, SpanID: plait.SpanID{7: 4}, Attributes: plait.Attributes{text("kind", "sqs")}}}
	return []plait.Span{
		shop,
		span(2, "pay.example.com", plait.SpanKindClient, 1, 10_000_000, 130_000_000, text("aws.xray.namespace", "remote"), text("aws.xray.cause", "e1"), text("peer.service", "pay.example.com")),
		span(3, "dial", plait.SpanKindInternal, 2, 10_000_000, 20_000_000),
		span(5, "query", plait.SpanKindInternal, 1, 140_000_000, 150_000_000, text("db.query.text", "SELECT ?"), text("sql.database_type", "PostgreSQL"), list("aws.xray.precursor_ids", `["0000000000000002"]`)),
	}
}

func TestEveryFieldOfASegment(t *testing.T) {
	t.Parallel()
	got, err := Decode(request(t, full), nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wantFull(), got.Spans, cmp.AllowUnexported(plait.Value{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	datagram, err := DecodeDatagram([]byte(`{"format": "json", "version": 1}`+"\n"+full), nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got.Spans, datagram.Spans, cmp.AllowUnexported(plait.Value{})); diff != "" {
		t.Errorf("a datagram reads otherwise (-request +datagram):\n%s", diff)
	}
}

// outline is spans in a line each.
func outline(spans []plait.Span) string {
	var b strings.Builder
	for i := range spans {
		s := &spans[i]
		fmt.Fprintf(&b, "%s %q of %q %x<%x %s; ", s.Kind, s.Name, s.Resource.Service(), s.SpanID[7], s.ParentSpanID[7], s.Status)
	}
	return b.String()
}

func TestSegmentsThatAreNotWhole(t *testing.T) {
	t.Parallel()
	const ids = `"trace_id":"` + trace + `","id":"0000000000000001"`
	for name, c := range map[string]struct{ document, want string }{
		"a subsegment by itself":              {`{` + ids + `,"parent_id":"0000000000000009","type":"subsegment","name":"dial","start_time":1}`, `internal "dial" of "unknown_service" 1<9 unset; `},
		"a segment in progress":               {`{` + ids + `,"name":"shop","start_time":1,"in_progress":true}`, ``},
		"what is complete in one in progress": {`{` + ids + `,"name":"shop","start_time":1,"in_progress":true,"subsegments":[{"id":"0000000000000002","name":"dial","start_time":1,"end_time":2}]}`, ``},
		"one in progress, in one that is complete": {`{` + ids + `,"name":"shop","start_time":1,"end_time":2,"subsegments":[{"id":"0000000000000002","name":"later","start_time":1,"in_progress":true,
			"subsegments":[{"id":"0000000000000003","name":"in later","start_time":1,"end_time":2}]},{"id":"0000000000000004","name":"dial","start_time":1,"end_time":2}]}`,
			`server "shop" of "shop" 1<0 unset; internal "dial" of "shop" 4<1 unset; `},
		"an error, which is the caller's fault": {`{` + ids + `,"name":"shop","start_time":1,"end_time":2,"error":true}`, `server "shop" of "shop" 1<0 error; `},
		"an id as W3C spells it":                {`{"trace_id":"5759e988bd862e3fe1be46a994272793","id":"0000000000000001","name":"shop","start_time":1,"end_time":2}`, `server "shop" of "shop" 1<0 unset; `},
	} {
		got, err := Decode(request(t, c.document), nil)
		if err != nil || outline(got.Spans) != c.want {
			t.Errorf("%s: %+v, %v, want %s", name, got, err, c.want)
		}
	}
}

func TestWhatIsWrongWithASegmentIsThatSegmentsAlone(t *testing.T) {
	t.Parallel()
	const good = `{"trace_id":"` + trace + `","id":"0000000000000001","name":"good","start_time":1,"end_time":2}`
	deep := strings.Repeat(`{"name":"a","subsegments":[`, 70) + strings.Repeat(`]}`, 70)
	for want, bad := range map[string]string{
		`segment 0 ("bad"): trace_id "1-x" is not 1-, 8 hex digits, - and 24 hex digits`: `{"trace_id":"1-x","id":"0000000000000002","name":"bad","start_time":1}`,
		`segment 0 ("bad"): id "2" is not 16 hex digits`:                                 `{"trace_id":"` + trace + `","id":"2","name":"bad","start_time":1}`,
		`segment 0 ("bad"): parent_id "x" is not 16 hex digits`:                          `{"trace_id":"` + trace + `","id":"0000000000000002","parent_id":"x","name":"bad","start_time":1}`,
		`segment 0 ("bad"): it has no start_time`:                                        `{"trace_id":"` + trace + `","id":"0000000000000002","name":"bad"}`,
		`segment 0 ("bad"): byte 27: want a number of seconds`:                           `{"name":"bad","start_time":"now"}`,
		`segment 0 ("bad"): byte 19: want a string`:                                      `{"name":"bad","id":[1]}`,
		`segment 0 (""): byte 0: want {`:                                                 `7`,
		`segment 0 ("a"): byte 1728: subsegments nest deeper than 64 levels`:             deep,
		`a link without a trace_id and an id`:                                            `{"name":"bad","links":[{}]}`,
	} {
		got, err := Decode(request(t, bad, good), nil)
		if err != nil || outline(got.Spans) != `server "good" of "good" 1<0 unset; ` || len(got.Refused) != 1 || !strings.HasPrefix(got.Refused[0].Reason[max(strings.Index(got.Refused[0].Reason, want), 0):], want) {
			t.Errorf("%s: %+v, %v", want, got, err)
		}
	}
	got, err := Decode(request(t, `{"trace_id":"`+trace+`","id":"0000000000000001","name":"shop","start_time":1,"end_time":2,"subsegments":[{"name":"bad","id":"x"},{"id":"0000000000000002","name":"good","start_time":1}]}`), nil)
	if err != nil || outline(got.Spans) != `server "shop" of "shop" 1<0 unset; internal "good" of "shop" 2<1 unset; ` || len(got.Refused) != 1 {
		t.Errorf("a bad subsegment among good ones: %+v, %v", got, err)
	}
}

func TestWhatIsNoRequestIsRefused(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "[]", `{"TraceSegmentDocuments":[`, `{"TraceSegmentDocuments":[7]}`, `{"TraceSegmentDocuments":["{}"]} x`, `{"TraceSegmentDocuments":["{}"]}`} {
		if _, err := Decode([]byte(body), nil); !errors.Is(err, plait.ErrInvalid) {
			t.Errorf("%s: %v", body, err)
		}
	}
	for body, want := range map[string]string{
		"":                                      "read the head of X-Ray's datagram",
		"hello\n{}":                             "read the head of X-Ray's datagram",
		`{"format":"json","version":1}`:         "no document follows",
		`{"format":"avro","version":1}` + "\n{": `format "avro", want json`,
		`{"format":"json","version":1}` + "\n{": "no span could be read: segment 0",
	} {
		if _, err := DecodeDatagram([]byte(body), nil); !errors.Is(err, plait.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
}

func TestTimesKeepTheirNanoseconds(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]int64{
		"1795000000":              1_795_000_000_000_000_000,
		"1795000000.123456789":    1_795_000_000_123_456_789,
		"1795000000.1234567899":   1_795_000_000_123_456_789,
		"1795000000.5":            1_795_000_000_500_000_000,
		"1.795e9":                 1_795_000_000_000_000_000,
		"1.795000000123456789E9":  1_795_000_000_123_456_789,
		"17950000001234567e-7":    1_795_000_000_123_456_700,
		"0":                       0,
		"0.000000001":             1,
		"1e-9":                    1,
		"1e-10":                   0,
		"-1.5":                    -1_500_000_000,
		"9223372036.854775807":    math.MaxInt64,
		"9223372036.9":            math.MaxInt64,
		"1e400":                   math.MaxInt64,
		"-1e99999999999999999999": -math.MaxInt64,
		"1e-99999999999999999999": 0,
		"0e999":                   0,
	} {
		if got, ok := nanosOf(number); !ok || got != want {
			t.Errorf("%s is %d, %v, want %d", number, got, ok, want)
		}
	}
	for _, number := range []string{"", "now", "1_0", "0x1p4", "Inf", "NaN", "1e", "."} {
		if got, ok := nanosOf(number); ok {
			t.Errorf("%q is %d", number, got)
		}
	}
}

func TestMemoryIsAskedForWhileADocumentIsRead(t *testing.T) {
	t.Parallel()
	refusal := errors.New("no more")
	for name, document := range map[string]string{
		"subsegments": `{"subsegments":[{}` + strings.Repeat(",{}", 20_000) + `]}`,
		"annotations": `{"annotations":{"a":1` + strings.Repeat(`,"a":1`, 50_000) + `}}`,
		"exceptions":  `{"cause":{"exceptions":[{}` + strings.Repeat(",{}", 20_000) + `]}}`,
		"frames":      `{"cause":{"exceptions":[{"stack":[{}` + strings.Repeat(",{}", 100_000) + `]}]}}`,
	} {
		var asked int64
		_, err := Decode(request(t, document), func(n int64) error {
			if asked += n; asked > 1<<20 {
				return refusal
			}
			return nil
		})
		if !errors.Is(err, refusal) || asked > 2<<20 {
			t.Errorf("%s: %d bytes were asked for: %v", name, asked, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(full)
	f.Add(`{"trace_id":"` + trace + `","id":"0000000000000001","start_time":1e9,"subsegments":[{},{"in_progress":true}]}`)
	f.Fuzz(func(t *testing.T, document string) {
		if _, err := Decode([]byte(document), nil); err != nil && !errors.Is(err, plait.ErrInvalid) {
			t.Fatal(err)
		}
		traces, err := DecodeDatagram([]byte("{\"format\":\"json\"}\n"+document), nil)
		if err != nil {
			if !errors.Is(err, plait.ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		for i := range traces.Spans {
			if s := &traces.Spans[i]; s.Resource == nil || s.Scope == nil || s.TraceID.IsZero() && s.SpanID.IsZero() && s.StartNanos == 0 {
				t.Fatalf("%+v", s)
			}
		}
	})
}
