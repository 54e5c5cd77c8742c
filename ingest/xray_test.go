package ingest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// xrayID is the id of a trace as X-Ray spells it.
func xrayID(number byte) string {
	digits := testTraceID(number).String()
	return "1-" + digits[:8] + "-" + digits[8:]
}

// xraySegment is the checkout: a segment, and in it the call of another service.
func xraySegment(number byte) string {
	at := func(nanos int64) string { return fmt.Sprintf("%d.%09d", nanos/1e9, nanos%1e9) }
	return fmt.Sprintf(`{"name":"shop","id":"0102030405060701","trace_id":%q,"start_time":%s,"end_time":%s,"annotations":{"http.method":"GET"},
	"subsegments":[{"name":"charge card","id":"0102030405060702","namespace":"remote","start_time":%s,"end_time":%s,"fault":true,"cause":{"exceptions":[{"message":"refused"}]}}]}`,
		xrayID(number), at(checkoutStart), at(checkoutStart+checkoutTook), at(chargeStart), at(chargeStart+chargeTook))
}

func xrayRequest(t testing.TB, documents ...string) []byte {
	t.Helper()
	b, err := json.Marshal(map[string]any{"TraceSegmentDocuments": documents})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const xrayBad = `{"name":"bad","trace_id":"1","id":"2"}`

func xrayDoors() []traceDoor {
	return []traceDoor{{name: "X-Ray", path: "/TraceSegments", headers: []string{"Content-Type: application/json"}, code: http.StatusOK,
		checkout:  func(t testing.TB, number byte) []byte { return xrayRequest(t, xraySegment(number)) },
		flawed:    func(t testing.TB, number byte) []byte { return xrayRequest(t, xraySegment(number), xrayBad) },
		reason:    `1 refused: segment 1 (\"bad\"): trace_id \"1\" is not`,
		malformed: `[]`,
		want:      strings.Replace(wantCheckout, `"GET /cart"`, `"shop"`, 1), // X-Ray names a segment after its service
	}}
}

func TestXRaysAnswerHasTheSegmentsThatWereRefused(t *testing.T) {
	t.Parallel()
	ts := start(t)
	if a := ts.post(t, "/TraceSegments", bytes.NewReader(xrayRequest(t, xraySegment(1))), "Content-Type: application/json"); a.code != http.StatusOK || a.body != `{"UnprocessedTraceSegments":[]}` {
		t.Errorf("%d %q", a.code, a.body)
	}
	a := ts.post(t, "/TraceSegments", bytes.NewReader(xrayRequest(t, xraySegment(2), xrayBad)), "Content-Type: application/json")
	var answer struct {
		UnprocessedTraceSegments []struct{ ErrorCode, Message string }
	}
	if err := json.Unmarshal([]byte(a.body), &answer); err != nil || len(answer.UnprocessedTraceSegments) != 1 ||
		answer.UnprocessedTraceSegments[0].ErrorCode != "InvalidSegment" || !strings.HasPrefix(answer.UnprocessedTraceSegments[0].Message, "1 refused: segment 1") {
		t.Errorf("%d %q: %v", a.code, a.body, err)
	}
}

func TestAWholeSegmentFollowsOneInProgress(t *testing.T) {
	t.Parallel()
	ts := start(t)
	whole := xraySegment(1)
	open := strings.Replace(whole, `"end_time":1795000000.250000000,`, `"in_progress":true,`, 1)
	if open == whole {
		t.Fatal("the segment has another end")
	}
	for i, document := range []string{open, whole} {
		a := ts.post(t, "/TraceSegments", bytes.NewReader(xrayRequest(t, document)), "Content-Type: application/json")
		if stored := []string{"0", "2"}[i]; a.code != http.StatusOK || a.body != `{"UnprocessedTraceSegments":[]}` || a.header.Get(storedHeader) != stored {
			t.Errorf("answer %d %q, %s spans are stored, want %s", a.code, a.body, a.header.Get(storedHeader), stored)
		}
	}
	if got := ts.outline(t, testTraceID(1)); got != xrayDoors()[0].want {
		t.Errorf("stored:\n%s, want\n%s", got, xrayDoors()[0].want)
	}
}

func flawedXRaySegments() []badInput {
	send := func(number byte, sent, body string) badInput {
		return badInput{sent: "X-Ray: " + sent, path: "/TraceSegments", media: mediaJSON, stored: storedTrace(number),
			body: func(t *testing.T) io.Reader { return bytes.NewReader(xrayRequest(t, body, xraySegment(number))) }}
	}
	return []badInput{
		send(120, "a document that ends early, beside a good one", `{"name":"bad"`),
		send(121, "a segment without an id, beside a good one", `{"name":"bad","trace_id":"`+xrayID(121)+`","start_time":1}`),
		send(122, "subsegments that nest 100 levels deep, beside a good one", strings.Repeat(`{"subsegments":[`, 100)+strings.Repeat(`]}`, 100)),
		send(123, "10 MB of empty subsegments", `{"subsegments":[{}`+strings.Repeat(",{}", 3_000_000)+`]}`),
	}
}
