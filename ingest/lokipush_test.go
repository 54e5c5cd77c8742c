package ingest

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
)

// lokiProtobuf is a push of one line, without a time of its own.
func lokiProtobuf(labels, line string) []byte {
	field := func(b []byte, number protowire.Number, content []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(b, number, protowire.BytesType), content)
	}
	stream := field(field(nil, 1, []byte(labels)), 2, field(nil, 2, []byte(line)))
	return field(nil, 1, stream)
}

func lokiJSON(labels, line string) string {
	return `{"streams":[{"stream":{` + labels + `},"values":[["` + strconv.FormatInt(time.Now().UnixNano(), 10) + `",` + strconv.Quote(line) + `,{"pod":"p"}]]}]}`
}

func TestLokiPushAnswers(t *testing.T) {
	t.Parallel()
	ts := start(t)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte(lokiJSON(`"app":"cart"`, "zipped")))
	_ = z.Close()
	for _, c := range []struct {
		name, media, encoding string
		body                  []byte
		code                  int
		text                  string
	}{
		{"protobuf", mediaProtobuf, "", snappy.Encode(nil, lokiProtobuf(`{app="cart"}`, "protobuf")), http.StatusNoContent, ""},
		{"protobuf that says its coding", mediaProtobuf, "snappy", snappy.Encode(nil, lokiProtobuf(`{app="cart"}`, "coded")), http.StatusNoContent, ""},
		{"JSON", mediaJSON, "", []byte(lokiJSON(`"app":"cart"`, "json")), http.StatusNoContent, ""},
		{"JSON in gzip", mediaJSON, "gzip", zipped.Bytes(), http.StatusNoContent, ""},
		{"a stream without labels", mediaJSON, "", []byte(lokiJSON(``, "none")), http.StatusBadRequest, "it has no labels"},
		{"no JSON", mediaJSON, "", []byte(`{"streams":[`), http.StatusBadRequest, "malformed push request"},
		{"no snappy", mediaProtobuf, "", []byte("hello"), http.StatusBadRequest, "snappy"},
		{"protobuf in gzip", mediaProtobuf, "gzip", nil, http.StatusUnsupportedMediaType, "compressed by snappy"},
		{"no push", "text/plain", "", nil, http.StatusUnsupportedMediaType, "send application/x-protobuf or application/json"},
	} {
		headers := []string{"Content-Type: " + c.media}
		if c.encoding != "" {
			headers = append(headers, "Content-Encoding: "+c.encoding)
		}
		got := ts.post(t, "/loki/api/v1/push", bytes.NewReader(c.body), headers...)
		if got.code != c.code || !strings.Contains(got.body, c.text) {
			t.Errorf("%s: %d %s", c.name, got.code, got.body)
		}
	}
	pushed, _, err := ts.store.Logs(t.Context(), query.Logs{Condition: condition.Leaf{Field: condition.Field{Name: condition.Service}, Op: condition.OpEqual, Value: condition.String("cart")}})
	if err != nil || len(pushed) != 4 {
		t.Errorf("%d records are stored, want 4: %v", len(pushed), err)
	}
}

func TestAPushThatIsRepeatedIsStoredOnce(t *testing.T) {
	t.Parallel()
	ts := start(t)
	body := lokiJSON(`"app":"cart","level":"error"`, "once")
	for range 3 {
		if got := ts.post(t, "/loki/api/v1/push", strings.NewReader(body), "Content-Type: "+mediaJSON); got.code != http.StatusNoContent {
			t.Fatalf("%d %s", got.code, got.body)
		}
	}
	all, _, err := ts.store.Logs(t.Context(), query.Logs{})
	if err != nil || len(all) != 1 {
		t.Fatalf("%d records, %v", len(all), err)
	}
	if r := all[0]; r.Severity.String() != "ERROR" || r.Resource.Service() != "cart" || r.Body != plait.StringValue("once") {
		t.Errorf("%+v", r)
	}
}

func TestTraceIDsAreFoundInPushedLines(t *testing.T) {
	t.Parallel()
	ts := start(t)
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	if got := ts.post(t, "/loki/api/v1/push", strings.NewReader(lokiJSON(`"app":"cart"`, "trace_id="+id+" paid")), "Content-Type: "+mediaJSON); got.code != http.StatusNoContent {
		t.Fatalf("%d %s", got.code, got.body)
	}
	var trace plait.TraceID
	if err := trace.UnmarshalText([]byte(id)); err != nil {
		t.Fatal(err)
	}
	if found, _, err := ts.store.TraceLogs(t.Context(), trace, 10); err != nil || len(found) != 1 {
		t.Errorf("%v, %v", found, err)
	}
}
