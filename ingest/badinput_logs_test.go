package ingest

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
)

// flawedPushes are requests to the doors for log lines that are not OTLP.
func flawedPushes() []badInput {
	push := func(number int, sent, streams string) badInput {
		good := fmt.Sprintf(`{"stream":{"service_name":"bad%d"},"values":[["1795000000000000000","good"]]}`, number)
		return badInput{sent: sent, path: "/loki/api/v1/push", media: mediaJSON, body: fixed([]byte(`{"streams":[` + streams + `,` + good + `]}`)), stored: storedLogs(number)}
	}
	stream := func(labels, entry string) string { return `{"stream":{` + labels + `},"values":[` + entry + `]}` }
	const entry = `["1795000000000000001","bad"]`
	var many strings.Builder
	for i := range 200 {
		fmt.Fprintf(&many, `,"label%d":"v"`, i)
	}
	var streams strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&streams, `,{"stream":{"service_name":"bad74","n":"%d"},"values":[%s]}`, i, entry)
	}
	lines := func(number int, sent, body string) badInput {
		return badInput{sent: sent, path: "/ingest/logs", media: mediaJSON, body: fixed([]byte(body)), stored: storedLogs(number)}
	}
	future := fmt.Sprint(time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano())
	return []badInput{
		push(70, "Loki push: a stream with a label `k8s.pod`, beside a good one", stream(`"service_name":"bad70","k8s.pod":"p"`, entry)),
		push(71, "Loki push: a stream with 200 labels, beside a good one", stream(`"service_name":"bad71"`+many.String(), entry)),
		push(72, "Loki push: an entry of 10 MB, beside a good one", stream(`"service_name":"bad72"`, `["1795000000000000001","`+strings.Repeat("x", 10_000_000)+`"]`)),
		push(73, "Loki push: an entry of the year 2200, beside a good one", stream(`"service_name":"bad73"`, `["`+future+`","bad"]`)),
		push(74, "Loki push: 100,000 streams", strings.TrimPrefix(streams.String(), ",")),
		push(75, "Loki push: an entry with 2,000 pairs of structured metadata, beside a good one",
			stream(`"service_name":"bad75"`, `["1795000000000000001","bad",{"k":"v"`+strings.Repeat(`,"k":"v"`, 1999)+`}]`)),
		push(76, "Loki push: a label of 10,000 bytes, beside a good one", stream(`"service_name":"bad76","l":"`+strings.Repeat("v", 10_000)+`"`, entry)),
		{sent: "Loki push: a time that is a word", path: "/loki/api/v1/push", media: mediaJSON, stored: nothing, body: fixed([]byte(`{"streams":[{"stream":{"a":"b"},"values":[["yesterday","bad"]]}]}`))},
		{sent: "Loki push: snappy that says it is 4 GB", path: "/loki/api/v1/push", stored: nothing, body: fixed([]byte{0xff, 0xff, 0xff, 0xff, 0x0f, 0})},
		lines(77, "lines: JSON that ends early, which is a text of no service then, beside a good line", "{\"service\":\"bad77\",\"msg\":\"cut\n"+`{"service":"bad77","msg":"good"}`),
		lines(78, "lines: a line of 10 MB", `{"service":"bad78","msg":"`+strings.Repeat("x", 10_000_000)+`"}`),
		lines(79, "lines: a value nested 1,000 deep", `{"service":"bad79","msg":"deep","v":`+strings.Repeat("[", 1000)+strings.Repeat("]", 1000)+`}`),
		lines(80, "lines: a time of the year 2200, and one that is a word", `{"service":"bad80","msg":"future","time":"2200-01-01T00:00:00Z"}`+"\n"+`{"service":"bad80","msg":"word","time":"yesterday"}`),
		{sent: "lines: a gzip bomb, 100 MiB in 100 kB", path: "/ingest/logs", media: mediaJSON, encoding: "gzip", stored: nothing,
			body: func(t *testing.T) io.Reader { return strings.NewReader(string(gzipped(t, make([]byte, 100<<20)))) }},
	}
}

// storedLogs tells how many records a service has that some request named, and what the longest and latest are.
func storedLogs(number int) func(*testing.T, *testServer) string {
	return func(t *testing.T, ts *testServer) string {
		t.Helper()
		service := condition.Leaf{Field: condition.Field{Name: condition.Service}, Op: condition.OpEqual, Value: condition.String(fmt.Sprint("bad", number))}
		n, longest, latest := 0, "", int64(0)
		q := query.Logs{Condition: service, Page: query.Page{Limit: 5000}}
		for {
			page, next, err := ts.store.Logs(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			n += len(page)
			for i := range page {
				latest = max(latest, page[i].TimeNanos)
				if text := page[i].Body.Text(); len(text) > len(longest) {
					longest = text
				}
			}
			if next == "" {
				break
			}
			q.Cursor = next
		}
		says := fmt.Sprintf("%d records", n)
		if n == 1 {
			says = "1 record"
		}
		if len(longest) > 100 {
			says += fmt.Sprintf(", one of %d bytes, ending in `%s`", len(longest), longest[max(strings.Index(longest, "…"), len(longest)-100):])
		}
		if at := time.Unix(0, latest).UTC(); at.Year() > 2100 {
			says += ", one of " + at.Format("2006")
		}
		return says
	}
}
