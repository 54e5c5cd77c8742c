package ingest

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/snappy"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/protobuf"
)

// pb writes a bytes field of a protobuf message.
func pb[T string | []byte](field int, content ...T) []byte {
	var all []byte
	for _, c := range content {
		all = append(all, c...)
	}
	b := binary.AppendUvarint(nil, uint64(field)<<3|protobuf.Bytes)
	return append(binary.AppendUvarint(b, uint64(len(all))), all...)
}

func pbFixed(field int, v uint64) []byte {
	return binary.LittleEndian.AppendUint64(binary.AppendUvarint(nil, uint64(field)<<3|protobuf.Fixed64), v)
}

func pbVarint(field int, v uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(nil, uint64(field)<<3|protobuf.Varint), v)
}

func joinBytes(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// times repeats some bytes.
func times(n int, b []byte) []byte { return bytes.Repeat(b, n) }

// deepValue is an AnyValue of arrays in arrays, so many of them, written from its end.
func deepValue(depth int) []byte {
	var backwards []byte
	put := func(tag byte) {
		length := binary.AppendUvarint(nil, uint64(len(backwards)))
		slices.Reverse(length)
		backwards = append(append(backwards, length...), tag)
	}
	for range depth {
		put(0x0a) // ArrayValue.values
		put(0x2a) // AnyValue.array_value
	}
	slices.Reverse(backwards)
	return backwards
}

// kv is an attribute with a raw AnyValue.
func kv(key string, value []byte) []byte { return joinBytes(pb(1, key), pb(2, value)) }

func kvText(key, value string) []byte { return kv(key, pb(1, value)) }

const hostileNanos = 1_795_600_800_000_000_000

// pointTimes is the time of a data point.
var pointTimes = pbFixed(3, hostileNanos)

// gauge is a metric of data points with the given fields.
func gauge(name string, points ...[]byte) []byte {
	var data []byte
	for _, p := range points {
		data = append(data, pb(1, p)...)
	}
	return joinBytes(pb(1, name), pb(5, data))
}

// cumulative is a metric of another kind whose data is cumulative.
func cumulative(name string, kind int, points ...[]byte) []byte {
	data := pbVarint(2, 2)
	for _, p := range points {
		data = append(data, pb(1, p)...)
	}
	return joinBytes(pb(1, name), pb(kind, data))
}

var shopResource = pb(1, kvText("service.name", "shop"))

// metricRequest is an export request of one resource whose last metric is a good one.
func metricRequest(resource []byte, metrics ...[]byte) []byte {
	var scoped []byte
	for _, m := range append(metrics, gauge("good", joinBytes(pointTimes, pbFixed(4, math.Float64bits(1))))) {
		scoped = append(scoped, pb(2, m)...)
	}
	return pb(1, pb(1, resource), pb(2, scoped))
}

// randomText is letters that do not compress.
func randomText(n int) string {
	letters := make([]byte, n)
	for i := range letters {
		letters[i] = 'a' + byte(rand.IntN(26))
	}
	return string(letters)
}

// hostile is a request that stands for more than it is, or that breaks who reads it without a limit.
type hostile struct {
	path, media string
	body        []byte
	good        bool // a good record beside it is stored
}

// recorder is a writer that remembers which metrics, spans and log records came.
type recorder struct {
	mu   sync.Mutex
	seen map[string]int
}

func (r *recorder) note(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen == nil {
		r.seen = map[string]int{}
	}
	r.seen[strings.Clone(name)]++
}

func (r *recorder) WriteMetrics(_ context.Context, m *plait.Metrics) (plait.Receipt, error) {
	for i := range m.Series {
		r.note(m.Series[i].Labels.Get("__name__"))
	}
	return plait.Receipt{}, nil
}

func (r *recorder) WriteTraces(_ context.Context, t *plait.Traces) (plait.Receipt, error) {
	for i := range t.Spans {
		r.note(t.Spans[i].Name)
	}
	return plait.Receipt{}, nil
}

func (r *recorder) WriteLogs(_ context.Context, l *plait.Logs) (plait.Receipt, error) {
	for i := range l.Records {
		r.note(l.Records[i].Body.Str())
	}
	return plait.Receipt{}, nil
}

// maxAllocated bounds all that a request makes Plait allocate, garbage included: some multiple of the
// budget of a request, and far below what each of these requests took without limits. The race
// detector makes pools forget at random, which costs the largest of them half as much again (507 MiB).
const maxAllocated = 700 << 20

func TestHostileRequestsTakeBoundedMemory(t *testing.T) {
	for group, cases := range map[string]map[string]hostile{
		"nesting": nestingRequests(), "metrics": hostileMetrics(), "remote write": hostileRemoteWrite(), "JSON": hostileJSON(),
	} {
		for name, c := range cases {
			t.Run(group+"/"+name, func(t *testing.T) {
				written := &recorder{}
				ts := serve(t, func(_ *Config, d *Deps) { d.Writer, d.Spans = written, nil })
				req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, c.path, bytes.NewReader(c.body))
				req.Header.Set("Content-Type", c.media)
				req.Host = "localhost"
				w := newDeadlineRecorder()
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				ts.http.Handler().ServeHTTP(w, req)
				runtime.ReadMemStats(&after)
				if allocated := after.TotalAlloc - before.TotalAlloc; allocated > maxAllocated {
					t.Errorf("%d bytes took %d MiB", len(c.body), allocated>>20)
				}
				switch w.Code {
				case http.StatusOK, http.StatusNoContent, http.StatusBadRequest, http.StatusRequestEntityTooLarge:
				default:
					t.Errorf("answer %d %.300s", w.Code, w.Body)
				}
				if c.good && written.seen["good"] == 0 {
					t.Errorf("the good record is lost: %d %.300s", w.Code, w.Body)
				}
				if w.Body.Len() > 4096 {
					t.Errorf("an answer of %d bytes", w.Body.Len())
				}
			})
		}
	}
}

func nestingRequests() map[string]hostile {
	const depth = 800_000
	deep := kv("deep", deepValue(depth))
	cases := map[string]hostile{}
	add := func(name, path string, body []byte) {
		cases[name] = hostile{path, mediaProtobuf, body, true}
	}
	value := pbFixed(4, math.Float64bits(1))
	add("attribute of a gauge", "/v1/metrics", metricRequest(shopResource, gauge("bad", joinBytes(pointTimes, value, pb(7, deep)))))
	add("attribute of a histogram", "/v1/metrics", metricRequest(shopResource, cumulative("bad", 9, joinBytes(pointTimes, pb(9, deep)))))
	add("attribute of an exponential histogram", "/v1/metrics", metricRequest(shopResource, cumulative("bad", 10, joinBytes(pointTimes, pb(1, deep)))))
	add("attribute of a summary", "/v1/metrics", metricRequest(shopResource, cumulative("bad", 11, joinBytes(pointTimes, pb(7, deep)))))
	add("attribute of an exemplar", "/v1/metrics", metricRequest(shopResource, cumulative("bad", 7, joinBytes(pointTimes, value, pb(5, joinBytes(value[:0], pbFixed(3, 0), pb(7, deep)))))))
	add("attribute of a resource of metrics", "/v1/metrics", metricRequest(joinBytes(shopResource, pb(1, deep)), gauge("bad", joinBytes(pointTimes, value))))
	add("service.name", "/v1/metrics", metricRequest(joinBytes(shopResource, pb(1, kv("service.namespace", deepValue(5000)))), gauge("bad", joinBytes(pointTimes, value))))
	add("metadata of a metric", "/v1/metrics", metricRequest(shopResource, joinBytes(gauge("bad", joinBytes(pointTimes, value)), pb(12, deep))))
	add("unknown field", "/v1/metrics", metricRequest(shopResource, gauge("bad", joinBytes(pointTimes, value, pb(1000, deep)))))
	span := func(fields ...[]byte) []byte {
		ids := joinBytes(pb(1, "0123456789abcdef"), pb(2, "01234567"))
		return pb(1, pb(2, pb(2, joinBytes(ids, pb(5, "bad")), joinBytes(fields...)), pb(2, joinBytes(ids, pb(5, "good")))))
	}
	add("attribute of a span", "/v1/traces", span(pb(9, deep)))
	add("attribute of an event", "/v1/traces", span(pb(11, pb(3, deep))))
	add("attribute of a link", "/v1/traces", span(pb(13, pb(4, deep))))
	good := pb(2, pb(5, pb(1, "good")))
	add("body of a log record", "/v1/logs", pb(1, pb(2, pb(2, pb(5, deepValue(depth))), good)))
	add("attribute of a log record", "/v1/logs", pb(1, pb(2, pb(2, pb(6, deep)), good)))
	add("attribute of a scope", "/v1/logs", pb(1, pb(2, pb(1, pb(3, deep)), good)))
	cases["groups"] = hostile{"/v1/metrics", mediaProtobuf, times(2_000_000, []byte{0x0b}), false}
	cases["groups in an attribute"] = hostile{"/v1/metrics", mediaProtobuf, metricRequest(shopResource, gauge("bad", joinBytes(pointTimes, pb(7, times(2_000_000, []byte{0x0b}))))), false}
	return cases
}

func hostileMetrics() map[string]hostile {
	cases := map[string]hostile{}
	add := func(name string, good bool, body []byte) {
		cases[name] = hostile{"/v1/metrics", mediaProtobuf, body, good}
	}
	value := pbFixed(4, math.Float64bits(1))
	point := joinBytes(pointTimes, value)
	late := joinBytes(pbFixed(3, hostileNanos+7*86400*1e9), value)
	var week []byte
	for i := range 1500 {
		week = append(week, metricRequest(joinBytes(pb(1, kvText("service.name", fmt.Sprint("s", i))), pb(1, kvText("host.name", "h"))), gauge("week", point, late))...)
	}
	add("1,500 resources with two points a week apart", true, week)
	add("a histogram of 500,000 buckets", true, metricRequest(shopResource,
		cumulative("bad", 9, joinBytes(pointTimes, pb(6, make([]byte, 8*500_001)), pb(7, make([]byte, 8*500_000))))))
	add("an exponential histogram of 4 million buckets", true, metricRequest(shopResource,
		cumulative("bad", 10, joinBytes(pointTimes, pb(8, pb(2, make([]byte, 4<<20)))))))
	add("a summary of a million quantiles", true, metricRequest(shopResource, cumulative("bad", 11, joinBytes(pointTimes, times(1_000_000, pb(6, ""))))))
	var many [][]byte
	for i := range 4000 {
		many = append(many, joinBytes(point, pb(7, kvText("i", fmt.Sprint(i)))))
	}
	add("a resource of 6 MB with 4,000 points", true, metricRequest(joinBytes(shopResource, pb(1, kvText("blob", randomText(6<<20)))), gauge("many", many...)))
	add("a resource of 300,000 attributes with 4,000 points", true, metricRequest(joinBytes(shopResource, times(300_000, pb(1, kvText("k", "v")))), gauge("many", many...)))
	add("a service of a megabyte with 4,000 points", false, metricRequest(pb(1, kvText("service.name", randomText(1<<20))), gauge("many", many...)))
	add("a service of 15 kB with 100,000 points", false, metricRequest(pb(1, kvText("service.name", randomText(15<<10))), gauge("many", numberedPoints(100_000)...)))
	add("2,000 buckets with 15 kB of labels, 300 times", false, metricRequest(shopResource, cumulative("wide", 9, wideHistograms(300)...)))
	for field, what := range map[int]string{1: "name", 2: "description", 3: "unit"} {
		long := joinBytes(pb(1, "long"), pb(field, randomText(1<<20)))
		add("a "+what+" of a megabyte with 4,000 points", true, metricRequest(shopResource, joinBytes(long, gauge("long", many...)[6:])))
	}
	add("2 million exemplars", false, metricRequest(shopResource, cumulative("bad", 7, joinBytes(point, times(2_000_000, pb(5, ""))))))
	add("2 million data points", false, metricRequest(shopResource, gauge("bad", times(0, nil)), joinBytes(pb(1, "bad"), pb(5, times(2_000_000, pb(1, ""))))))
	add("2 million metrics", false, pb(1, pb(2, times(2_000_000, pb(2, "")))))
	add("a million attributes of a point", true, metricRequest(shopResource, gauge("bad", joinBytes(point, times(1_000_000, pb(7, ""))))))
	add("a million attributes of an exemplar", true, metricRequest(shopResource, cumulative("bad", 7, joinBytes(point, pb(5, joinBytes(pbFixed(3, 0), times(1_000_000, pb(7, ""))))))))
	return cases
}

// numberedPoints is points that differ in an attribute.
func numberedPoints(n int) [][]byte {
	points := make([][]byte, n)
	for i := range points {
		points[i] = joinBytes(pointTimes, pb(7, kvText("i", fmt.Sprint(i))))
	}
	return points
}

func wideHistograms(n int) [][]byte {
	points := make([][]byte, n)
	bounds := make([]byte, 0, 8*1999)
	for i := range 1999 {
		bounds = binary.LittleEndian.AppendUint64(bounds, math.Float64bits(float64(i)))
	}
	for i := range points {
		points[i] = joinBytes(pointTimes, pb(6, make([]byte, 8*2000)), pb(7, bounds), pb(9, kvText("wide", fmt.Sprint(i, randomText(15<<10)))))
	}
	return points
}

const mediaWriteV2 = "application/x-protobuf;proto=io.prometheus.write.v2.Request"

func hostileRemoteWrite() map[string]hostile {
	cases := map[string]hostile{}
	sample := pb(2, joinBytes(pbFixed(1, 0), pbVarint(2, hostileNanos/1_000_000)))
	label := func(name, value string) []byte { return pb(1, joinBytes(pb(1, name), pb(2, value))) }
	v1 := func(name string, good bool, series ...[]byte) {
		body := pb(1, joinBytes(label("__name__", "good"), sample))
		for _, s := range series {
			body = append(body, pb(1, s)...)
		}
		cases["1.0: "+name] = hostile{"/api/v1/write", mediaProtobuf, snappy.Encode(nil, body), good}
	}
	bad := label("__name__", "bad")
	v1("a histogram of 4 million buckets", true, joinBytes(bad, pb(4, pb(12, make([]byte, 4<<20)))))
	v1("3 million spans of no buckets", true, joinBytes(bad, pb(4, times(3_000_000, pb(11, "")))))
	v1("a million custom bounds", true, joinBytes(bad, pb(4, joinBytes(pbVarint(4, 105), pb(16, make([]byte, 8<<20))))))
	v1("2 million empty histograms", false, joinBytes(bad, times(2_000_000, pb(4, ""))))
	v1("2 million empty exemplars", false, joinBytes(bad, times(2_000_000, pb(3, ""))))
	v1("2 million empty labels", false, times(2_000_000, pb(1, "")))
	v1("2 million empty samples", false, joinBytes(bad, times(2_000_000, pb(2, ""))))
	v1("a name of 3 kB", true, joinBytes(label("__name__", randomText(3000)), sample))
	v1("100,000 bad samples of a series of 15 kB", true, joinBytes(bad, label("long", randomText(15<<10)),
		times(100_000, pb(2, pbVarint(2, math.MaxInt64)))))
	v2 := func(name string, good bool, symbols []string, series ...[]byte) {
		var body []byte
		for _, s := range append([]string{"", "__name__", "good"}, symbols...) {
			body = append(body, pb(4, s)...)
		}
		body = append(body, pb(5, joinBytes(pb(1, []byte{1, 2}), sample))...)
		for _, s := range series {
			body = append(body, pb(5, s)...)
		}
		cases["2.0: "+name] = hostile{"/api/v1/write", mediaWriteV2, snappy.Encode(nil, body), good}
	}
	symbols := []string{randomText(1 << 20), "k", randomText(15 << 10)}
	repeated := func(n int, fields ...[]byte) [][]byte { return slices.Repeat([][]byte{joinBytes(fields...)}, n) }
	v2("a label of a megabyte in 100,000 series", true, symbols, repeated(100_000, pb(1, []byte{1, 2, 4, 3}), sample)...)
	v2("a name of a megabyte in 100,000 series", true, symbols, repeated(100_000, pb(1, []byte{1, 3}), sample)...)
	v2("a help of a megabyte in 100,000 series", true, symbols, repeated(20_000, pb(1, []byte{1, 4}), sample, pb(5, []byte{3 << 3, 3}))...)
	v2("an exemplar of a megabyte in 100,000 series", true, symbols, repeated(50_000, pb(1, []byte{1, 4}), pb(4, pb(1, []byte{4, 3})))...)
	var distinct [][]byte
	var numbers []string
	for i := range 50_000 {
		numbers = append(numbers, fmt.Sprint(i))
		distinct = append(distinct, joinBytes(pb(1, binary.AppendUvarint([]byte{1, 2, 4, 5, 3 << 0}, uint64(6+i))), sample))
	}
	v2("50,000 series of 15 kB", false, append(slices.Clone(symbols), numbers...), distinct...)
	v2("a histogram of 4 million buckets", true, symbols, joinBytes(pb(1, []byte{1, 4}), pb(3, pb(12, make([]byte, 4<<20)))))
	return cases
}

// TestNamesOfTheGreatestLengthAreStored holds that whatever the limits let in fits the indexes of the
// database, which hold 2704 bytes, with letters that do not compress.
func TestNamesOfTheGreatestLengthAreStored(t *testing.T) {
	t.Parallel()
	ts := start(t)
	long := randomText(maxNameBytes + 5000)
	request := testTrace(77, long)
	request.ResourceSpans[0].Resource.Attributes[0].Value = textValue(long)
	request.ResourceSpans[0].ScopeSpans[0].Scope.Name = long
	request.ResourceSpans[0].ScopeSpans[0].Scope.Version = long
	request.ResourceSpans[0].SchemaUrl = long
	if a := ts.protobuf(t, "/v1/traces", marshal(t, request)); a.code != http.StatusOK {
		t.Errorf("traces: %d %.300s", a.code, a.body)
	}
	logs := testLogs("a line")
	logs.ResourceLogs[0].Resource = request.ResourceSpans[0].Resource
	record := logs.ResourceLogs[0].ScopeLogs[0].LogRecords[0]
	record.SeverityText, record.EventName = long, long
	if a := ts.protobuf(t, "/v1/logs", marshal(t, logs)); a.code != http.StatusOK {
		t.Errorf("logs: %d %.300s", a.code, a.body)
	}
	name := randomText(1024)
	metric := joinBytes(pb(2, randomText(10_000)), pb(3, randomText(200)), gauge(name[:800], joinBytes(pointTimes, pbFixed(4, 0), pb(7, kvText(randomText(1024), randomText(10_000))))))
	resource := joinBytes(pb(1, kvText("service.name", randomText(2000))), pb(1, kvText("service.instance.id", randomText(2000))))
	if a := ts.protobuf(t, "/v1/metrics", metricRequest(resource, metric)); a.code != http.StatusOK || a.body != "" {
		t.Errorf("metrics: %d %.300s", a.code, a.body)
	}
	body := pb(1, joinBytes(pb(1, joinBytes(pb(1, "__name__"), pb(2, name))), pb(2, pbVarint(2, hostileNanos/1_000_000))))
	body = append(body, pb(3, joinBytes(pbVarint(1, 2), pb(2, name), pb(4, randomText(10_000)), pb(5, randomText(10_000))))...)
	if a := ts.protobuf(t, "/api/v1/write", snappy.Encode(nil, body)); a.code != http.StatusNoContent {
		t.Errorf("remote write: %d %.300s", a.code, a.body)
	}
}
