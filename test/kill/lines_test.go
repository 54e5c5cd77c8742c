package kill

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// pushOf is what recordsOf is, as Loki's clients push it.
func pushOf(number int, now time.Time) ([]byte, error) {
	now = timeOf(number, now)
	var values []any
	for n := range perRequest {
		at := now.Add(time.Duration(n) * time.Millisecond).UnixNano()
		values = append(values, []any{strconv.FormatInt(at, 10), fmt.Sprintf("record %d of request %d", n, number), ids(number, n)})
	}
	stream := map[string]any{"stream": map[string]string{"service_name": "kill"}, "values": values}
	return json.Marshal(map[string]any{"streams": []any{stream}})
}

// linesOf is the same as an application writes it.
func linesOf(number int, now time.Time) ([]byte, error) {
	now = timeOf(number, now)
	var lines bytes.Buffer
	for n := range perRequest {
		line := ids(number, n)
		line["time"] = now.Add(time.Duration(n) * time.Millisecond).UTC().Format(time.RFC3339Nano)
		line["message"] = fmt.Sprintf("record %d of request %d", n, number)
		if err := json.NewEncoder(&lines).Encode(line); err != nil {
			return nil, err
		}
	}
	return lines.Bytes(), nil
}

// ids are what the n-th record of a request says beside its text.
func ids(number, n int) map[string]string {
	return map[string]string{
		"request": strconv.Itoa(number), "trace_id": hex.EncodeToString(spelledIDOf(number)), "span_id": hex.EncodeToString(spanIDOf(number, n)),
	}
}
