package tempo

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	_ "go.opentelemetry.io/proto/otlp/common/v1" // registers KeyValue

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/facetest"
	"github.com/plaithq/plait/api/tracesearch"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
)

// streamMessages are the messages of tempopb that a client of today writes and reads: fields by number, type and name. A type
// of more than one letter is a message.
var streamMessages = map[string]string{
	"SearchRequest":             "1 *TagsEntry Tags, 2 u MinDurationMs, 3 u MaxDurationMs, 4 u Limit, 5 u start, 6 u end, 8 s Query, 9 u SpansPerSpanSet",
	"TagsEntry":                 "1 s key, 2 s value",
	"SearchResponse":            "1 *TraceSearchMetadata traces, 2 SearchMetrics metrics",
	"TraceSearchMetadata":       "1 s traceID, 2 s rootServiceName, 3 s rootTraceName, 4 U startTimeUnixNano, 5 u durationMs, 7 *SpanSet spanSets, 8 *ServiceStatsEntry serviceStats",
	"ServiceStatsEntry":         "1 s key, 2 ServiceStats value",
	"ServiceStats":              "1 u spanCount, 2 u errorCount",
	"SpanSet":                   "1 *Span spans, 2 u matched, 3 *KeyValue attributes",
	"Span":                      "1 s spanID, 2 s name, 3 U startTimeUnixNano, 4 U durationNanos, 5 *KeyValue attributes",
	"SearchMetrics":             "1 u inspectedTraces, 2 U inspectedBytes, 3 u totalBlocks, 4 u completedJobs, 5 u totalJobs, 6 U totalBlockBytes, 7 U inspectedSpans",
	"SearchTagsRequest":         "1 s scope, 2 s query, 3 u start, 4 u end, 5 u maxTagsPerScope",
	"SearchTagsResponse":        "1 *s tagNames, 2 MetadataMetrics metrics",
	"SearchTagsV2Response":      "1 *SearchTagsV2Scope scopes, 2 MetadataMetrics metrics",
	"SearchTagsV2Scope":         "1 s name, 2 *s tags",
	"SearchTagValuesRequest":    "1 s tagName, 2 s query, 4 u start, 5 u end, 6 u maxTagValues",
	"SearchTagValuesResponse":   "1 *s tagValues, 2 MetadataMetrics metrics",
	"SearchTagValuesV2Response": "1 *TagValue tagValues, 2 MetadataMetrics metrics",
	"TagValue":                  "1 s type, 2 s value",
	"MetadataMetrics":           "1 U inspectedBytes, 2 u totalJobs, 3 u completedJobs",
	"QueryRangeRequest":         "1 s query, 2 U start, 3 U end, 4 U step, 16 u exemplars",
	"QueryRangeResponse":        "1 *TimeSeries series, 2 SearchMetrics metrics, 3 u status, 4 s message",
	"TimeSeries":                "1 *KeyValue labels, 2 *Sample samples, 4 *Exemplar exemplars",
	"Sample":                    "2 i timestampMs, 1 d value",
	"Exemplar":                  "1 *KeyValue labels, 2 d value, 3 i timestampMs",
	"QueryInstantRequest":       "1 s query, 2 U start, 3 U end",
	"QueryInstantResponse":      "1 *InstantSeries series, 2 SearchMetrics metrics, 3 u status, 4 s message",
	"InstantSeries":             "1 *KeyValue labels, 2 d value",
}

var streamTypes = map[string]descriptorpb.FieldDescriptorProto_Type{
	"s": descriptorpb.FieldDescriptorProto_TYPE_STRING, "u": descriptorpb.FieldDescriptorProto_TYPE_UINT32, "U": descriptorpb.FieldDescriptorProto_TYPE_UINT64,
	"i": descriptorpb.FieldDescriptorProto_TYPE_INT64, "d": descriptorpb.FieldDescriptorProto_TYPE_DOUBLE,
}

// streamFile compiles them.
func streamFile(t *testing.T) protoreflect.FileDescriptor {
	t.Helper()
	file := &descriptorpb.FileDescriptorProto{
		Name: proto.String("tempo.proto"), Package: proto.String("tempopb"), Syntax: proto.String("proto3"), Dependency: []string{"opentelemetry/proto/common/v1/common.proto"},
	}
	// The entries of maps stand in the messages that have them.
	entries := map[string]string{"TagsEntry": "SearchRequest", "ServiceStatsEntry": "TraceSearchMetadata"}
	build := func(name string) *descriptorpb.DescriptorProto {
		m := &descriptorpb.DescriptorProto{Name: &name}
		for text := range strings.SplitSeq(streamMessages[name], ", ") {
			parts := strings.Fields(text)
			number, err := strconv.Atoi(parts[0])
			if err != nil {
				t.Fatal(err)
			}
			f := &descriptorpb.FieldDescriptorProto{Name: &parts[2], Number: proto.Int32(int32(number)), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()}
			kind, repeated := strings.CutPrefix(parts[1], "*")
			if repeated {
				f.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
			}
			f.JsonName = f.Name
			if known, ok := streamTypes[kind]; ok {
				f.Type = known.Enum()
			} else {
				f.Type = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum()
				path := ".tempopb." + kind
				if kind == "KeyValue" {
					path = ".opentelemetry.proto.common.v1.KeyValue"
				} else if entries[kind] != "" {
					path = ".tempopb." + entries[kind] + "." + kind
				}
				f.TypeName = &path
			}
			m.Field = append(m.Field, f)
		}
		return m
	}
	for name := range streamMessages {
		if entries[name] != "" {
			continue
		}
		m := build(name)
		for entry, of := range entries {
			if of == name {
				nested := build(entry)
				nested.Options = &descriptorpb.MessageOptions{MapEntry: proto.Bool(true)}
				m.NestedType = append(m.NestedType, nested)
			}
		}
		file.MessageType = append(file.MessageType, m)
	}
	compiled, err := protodesc.NewFile(file, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// streamClient asks by gRPC, and by HTTP for comparison.
type streamClient struct {
	file protoreflect.FileDescriptor
	conn *grpc.ClientConn
	http *server
}

func startStream(t *testing.T, st *store.Store, changes ...func(*tracesearch.Config)) *streamClient {
	t.Helper()
	c := tracesearch.Config{
		Timeout: time.Minute, MaxSpans: 1000, Memory: plait.NewAnswerMemory(32 << 20), Ready: st.Ping, Version: "test",
		Logger: facetest.Logger(t), Now: func() time.Time { return now },
	}
	for _, change := range changes {
		change(&c)
	}
	s := httptest.NewUnstartedServer(NewStreamHandler(st, c))
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	conn, err := grpc.NewClient(strings.TrimPrefix(s.URL, "http://"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &streamClient{streamFile(t), conn, start(t, st, changes...)}
}

func (c *streamClient) message(name string) *dynamicpb.Message {
	return dynamicpb.NewMessage(c.file.Messages().ByName(protoreflect.Name(name)))
}

// ask asks a question in JSON and joins the messages of its answer.
func (c *streamClient) ask(t *testing.T, method, question, asks, answers string) (joined *dynamicpb.Message, messages int, err error) {
	t.Helper()
	in := c.message(asks)
	if err := protojson.Unmarshal([]byte(question), in); err != nil {
		t.Fatal(err)
	}
	return c.send(t.Context(), method, in, c.message(answers))
}

func (c *streamClient) send(ctx context.Context, method string, in proto.Message, joined *dynamicpb.Message) (_ *dynamicpb.Message, messages int, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, StreamPrefix+"/"+method)
	if err != nil {
		return nil, 0, err
	}
	if err := errors.Join(stream.SendMsg(in), stream.CloseSend()); err != nil {
		return nil, 0, err
	}
	for {
		part := joined.New().Interface()
		switch err := stream.RecvMsg(part); {
		case errors.Is(err, io.EOF):
			return joined, messages, nil
		case err != nil:
			return nil, messages, err
		}
		proto.Merge(joined, part)
		messages++
	}
}

func TestStreamsAnswerWhatTheHTTPAPIAnswers(t *testing.T) {
	t.Parallel()
	st := storetest.New(t, storetest.Now(func() time.Time { return now }))
	if _, err := st.WriteTraces(t.Context(), shopTrace()); err != nil {
		t.Fatal(err)
	}
	c := startStream(t, st)
	from, to := base.Add(-time.Minute).Unix(), now.Unix()
	seconds := func(names string) string {
		return strings.NewReplacer("FROM", strconv.FormatInt(from, 10), "TO", strconv.FormatInt(to, 10)).Replace(names)
	}
	for name, q := range map[string]struct {
		method, question, asks, answers string
		path                            string
		parameters                      []string
	}{
		"the newest": {"Search", `{}`, "SearchRequest", "SearchResponse", "/api/search", nil},
		"with attributes of each type, and zeros": {
			"Search", `{"Query":"{ .http.status_code = 500 || .cached = false || .ratio > 0 || .mixed = 7 } | select(span.items, span.ratio, status)","Limit":5,"SpansPerSpanSet":10,"start":FROM,"end":TO}`, "SearchRequest", "SearchResponse",
			"/api/search", []string{"q", `{ .http.status_code = 500 || .cached = false || .ratio > 0 || .mixed = 7 } | select(span.items, span.ratio, status)`, "limit", "5", "spss", "10", "start", "FROM", "end", "TO"},
		},
		"sets by a value":      {"Search", `{"Query":"{} | by(resource.service.name)"}`, "SearchRequest", "SearchResponse", "/api/search", []string{"q", "{} | by(resource.service.name)"}},
		"tags as older do":     {"Search", `{"Tags":{"service.name":"cart"},"MinDurationMs":1,"MaxDurationMs":400000}`, "SearchRequest", "SearchResponse", "/api/search", []string{"tags", `service.name="cart"`, "minDuration", "1ms", "maxDuration", "400s"}},
		"nothing":              {"Search", `{"Query":"{ name = \"nothing\" }"}`, "SearchRequest", "SearchResponse", "/api/search", []string{"q", `{ name = "nothing" }`}},
		"names":                {"SearchTags", `{}`, "SearchTagsRequest", "SearchTagsResponse", "/api/search/tags", nil},
		"names by scope":       {"SearchTagsV2", `{"maxTagsPerScope":2}`, "SearchTagsRequest", "SearchTagsV2Response", "/api/v2/search/tags", []string{"limit", "2"}},
		"names of a scope":     {"SearchTagsV2", `{"scope":"resource"}`, "SearchTagsRequest", "SearchTagsV2Response", "/api/v2/search/tags", []string{"scope", "resource"}},
		"values":               {"SearchTagValues", `{"tagName":"service.name"}`, "SearchTagValuesRequest", "SearchTagValuesResponse", "/api/search/tag/service.name/values", nil},
		"values with types":    {"SearchTagValuesV2", `{"tagName":"span.http.status_code"}`, "SearchTagValuesRequest", "SearchTagValuesV2Response", "/api/v2/search/tag/span.http.status_code/values", nil},
		"values of a few":      {"SearchTagValuesV2", `{"tagName":"name","query":"{ resource.service.name = \"cart\" }"}`, "SearchTagValuesRequest", "SearchTagValuesV2Response", "/api/v2/search/tag/name/values", []string{"q", `{ resource.service.name = "cart" }`}},
		"a rate":               {"MetricsQueryRange", `{"query":"{} | rate() by (name)","start":"FROM000000000","end":"TO000000000","step":"20000000000"}`, "QueryRangeRequest", "QueryRangeResponse", "/api/metrics/query_range", []string{"q", "{} | rate() by (name)", "start", "FROM", "end", "TO", "step", "20s"}},
		"quantiles, exemplars": {"MetricsQueryRange", `{"query":"{} | quantile_over_time(duration, .5, .9)","start":"FROM","end":"TO","exemplars":3}`, "QueryRangeRequest", "QueryRangeResponse", "/api/metrics/query_range", []string{"q", "{} | quantile_over_time(duration, .5, .9)", "start", "FROM", "end", "TO", "exemplars", "3"}},
		"an instant":           {"MetricsQueryInstant", `{"query":"{} | count_over_time() by (resource.service.name)","start":"FROM","end":"TO"}`, "QueryInstantRequest", "QueryInstantResponse", "/api/metrics/query", []string{"q", "{} | count_over_time() by (resource.service.name)", "start", "FROM", "end", "TO"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, _, err := c.ask(t, q.method, seconds(q.question), q.asks, q.answers)
			if err != nil {
				t.Fatal(err)
			}
			parameters := url.Values{}
			for i := 0; i < len(q.parameters); i += 2 {
				parameters.Set(q.parameters[i], seconds(q.parameters[i+1]))
			}
			over := c.http.get(t, q.path+"?"+parameters.Encode())
			want := c.message(q.answers)
			if err := protojson.Unmarshal(over.body, want); err != nil {
				t.Fatalf("%v in %s", err, over.body)
			}
			if metadata := want.Descriptor().Fields().ByName("metrics"); metadata != nil && metadata.Message().Name() == "MetadataMetrics" {
				want.Clear(metadata) // an empty object over HTTP, nothing here
			}
			if !proto.Equal(got, want) {
				t.Errorf("over gRPC %v\nover HTTP %v", protojson.Format(got), protojson.Format(want))
			}
			if name != "nothing" && proto.Size(got) < 10 {
				t.Errorf("there is nothing to compare: %v", got)
			}
		})
	}
}

func TestStreamsSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	st := storetest.New(t, storetest.Now(func() time.Time { return now }))
	c := startStream(t, st)
	for name, q := range map[string]struct {
		method, question, asks, answers string
		code                            codes.Code
		says                            string
	}{
		"a query that is none":     {"Search", `{"Query":"{ status = }"}`, "SearchRequest", "SearchResponse", codes.InvalidArgument, "line 1"},
		"no metrics":               {"MetricsQueryRange", `{"query":"{}"}`, "QueryRangeRequest", "QueryRangeResponse", codes.InvalidArgument, "rate()"},
		"no query":                 {"MetricsQueryInstant", `{}`, "QueryInstantRequest", "QueryInstantResponse", codes.InvalidArgument, ""},
		"no tag":                   {"SearchTagValuesV2", `{}`, "SearchTagValuesRequest", "SearchTagValuesV2Response", codes.InvalidArgument, "names no tag"},
		"a scope that is none":     {"SearchTagsV2", `{"scope":"galaxy"}`, "SearchTagsRequest", "SearchTagsV2Response", codes.InvalidArgument, "galaxy"},
		"no such method":           {"Dance", `{}`, "SearchRequest", "SearchResponse", codes.Unimplemented, ""},
		"a question without bound": {"Search", `{"Query":"` + strings.Repeat("x", maxStreamQuestion) + `"}`, "SearchRequest", "SearchResponse", codes.ResourceExhausted, ""},
	} {
		_, _, err := c.ask(t, q.method, q.question, q.asks, q.answers)
		if got := status.Convert(err); got.Code() != q.code || !strings.Contains(got.Message(), q.says) {
			t.Errorf("%s: %v, want %v", name, err, q.code)
		}
	}
	broken := c.message("SearchRequest")
	broken.SetUnknown([]byte{8<<3 | 2, 9, 'x'}) // a query that ends early
	if _, _, err := c.send(t.Context(), "Search", broken, c.message("SearchResponse")); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a message that is cut off: %v", err)
	}
}

func TestStreamsEndWithTheDatabaseAndTheTime(t *testing.T) {
	t.Parallel()
	st := storetest.New(t)
	c := startStream(t, st, func(c *tracesearch.Config) { c.Timeout = time.Nanosecond })
	if _, _, err := c.ask(t, "Search", `{}`, "SearchRequest", "SearchResponse"); status.Code(err) != codes.DeadlineExceeded && status.Code(err) != codes.Unavailable {
		t.Errorf("without any time: %v", err)
	}
}

// TestALargeSearchIsStreamedInMessages shows more than a client takes at once.
func TestALargeSearchIsStreamedInMessages(t *testing.T) {
	t.Parallel()
	st := storetest.New(t)
	text := strings.Repeat("a long value ", 400)
	var batch plait.Traces
	of := &plait.Resource{Attributes: plait.Attributes{attr("service.name", "shop")}}
	for i := range 600 {
		batch.Spans = append(batch.Spans, plait.Span{
			TraceID: plait.TraceID{1, 14: byte(i >> 8), 15: byte(i)}, SpanID: plait.SpanID{1}, Name: "n", Resource: of,
			StartNanos: time.Now().UnixNano() - int64(i)*1000, EndNanos: time.Now().UnixNano(), Attributes: plait.Attributes{attr("text", text)},
		})
	}
	if _, err := st.WriteTraces(t.Context(), &batch); err != nil {
		t.Fatal(err)
	}
	c := startStream(t, st, func(c *tracesearch.Config) { c.Now = time.Now })
	got, messages, err := c.ask(t, "Search", `{"Query":"{ span.text != nil }","Limit":1000}`, "SearchRequest", "SearchResponse")
	if err != nil {
		t.Fatal(err)
	}
	if n := got.Get(got.Descriptor().Fields().ByName("traces")).List().Len(); n != 600 || messages < 3 {
		t.Errorf("%d traces in %d messages", n, messages)
	}
}

func FuzzStreamQuestions(f *testing.F) {
	f.Add([]byte{8<<3 | 2, 2, '{', '}'})
	f.Add([]byte{1<<3 | 2, 6, 1<<3 | 2, 1, 'a', 2<<3 | 2, 1, 'b', 2 << 3, 255, 255, 255, 255, 15})
	f.Fuzz(func(t *testing.T, message []byte) {
		for _, read := range []func(string) (url.Values, string, error){readSearchQuestion, readTagsQuestion, readValuesQuestion, readRangeQuestion, readInstantQuestion} {
			if _, _, err := read(string(message)); err != nil && !errors.Is(err, plait.ErrInvalid) {
				t.Errorf("%v is of no kind", err)
			}
		}
	})
}
