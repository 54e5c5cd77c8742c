package tracecontext

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/plaithq/plait"
)

// BenchmarkFromLogHostile reads a MiB of what takes longest. MB/s of all should be of one order.
func BenchmarkFromLogHostile(b *testing.B) {
	const size = 1 << 20
	nested := `{"trace_id":"x"}`
	for range 12 {
		text, err := json.Marshal(map[string]string{"log": nested + strings.Repeat(" ", size>>14)})
		if err != nil {
			b.Fatal(err)
		}
		nested = string(text[:min(len(text), size)])
	}
	for name, part := range map[string]string{
		"hex":          "abcdef0123456789 ",
		"names":        "trace_id=0000000000000000 ",
		"bars":         "NR-LINKING|aaaaaaaa| ",
		"brackets":     "[a,aaaaaaaaaaaaaaaa,",
		"objects":      `{"a":{"b":{"c":{"d":{"e":1}}}}} `,
		"open objects": `{"a":`,
		"open lists":   `[{"a":[`,
		"lists":        `{"a":[{"trace_id":"00000000000000000000000000000001"}]},`,
		"escapes":      `\\\\\\\"`,
		"colours":      "\x1b[31m",
		"texts":        `{"a":"{\"a\":\"{\\\"a\\\":\\\"x\\\"}\"}"}`,
		"nested":       nested,
		"quotes":       `"{\"`,
	} {
		body := strings.Repeat(part, size/len(part)+1)[:size]
		for how, s := range map[string]string{"text": body, "object": `{"m":"` + body + `"}`, "list": `[` + body + `]`} {
			rec := &plait.LogRecord{Body: plait.StringValue(s)}
			b.Run(name+"/"+how, func(b *testing.B) {
				b.SetBytes(int64(len(s)))
				for b.Loop() {
					FromLog(rec)
				}
			})
		}
	}
}
