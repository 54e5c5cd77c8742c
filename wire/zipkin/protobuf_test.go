package zipkin

import (
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/plaithq/plait"
)

type message []byte

func (m message) bytes(number protowire.Number, b string) message {
	return protowire.AppendString(protowire.AppendTag(m, number, protowire.BytesType), b)
}

func (m message) varint(number protowire.Number, n uint64) message {
	return protowire.AppendVarint(protowire.AppendTag(m, number, protowire.VarintType), n)
}

func (m message) fixed(number protowire.Number, n uint64) message {
	return protowire.AppendFixed64(protowire.AppendTag(m, number, protowire.Fixed64Type), n)
}

func unhex(t testing.TB, digits string) string {
	t.Helper()
	b, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// protobufSpan is a span with everything that Zipkin has a field for.
func protobufSpan(t testing.TB) message {
	local := message(nil).bytes(1, "shop").bytes(2, "\x0a\x00\x00\x01")
	remote := message(nil).bytes(1, "db").bytes(3, strings.Repeat("\x00", 15)+"\x01").varint(4, 5432)
	return message(nil).
		bytes(1, unhex(t, "4bf92f3577b34da6a3ce929d0e0e4736")).bytes(2, unhex(t, "0000000000000001")).bytes(3, unhex(t, "6b221d5bc9e6496c")).
		varint(4, 1).bytes(5, "get").fixed(6, 1556604172355737).varint(7, 1431).bytes(8, string(local)).bytes(9, string(remote)).
		bytes(10, string(message(nil).fixed(1, 1556604172355800).bytes(2, "sent"))).
		bytes(11, string(message(nil).bytes(1, "b").bytes(2, "2"))).bytes(11, string(message(nil).bytes(1, "a").bytes(2, "1"))).
		varint(12, 1).varint(13, 1)
}

func TestProtobufSaysTheSameAsJSON(t *testing.T) {
	t.Parallel()
	got, err := DecodeProtobuf(message(nil).bytes(1, string(protobufSpan(t))), nil)
	if err != nil {
		t.Fatal(err)
	}
	want, err := DecodeJSON([]byte(`[{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","id":"6b221d5bc9e6496c","parentId":"0000000000000001","kind":"CLIENT",
		"name":"get","timestamp":1556604172355737,"duration":1431,"localEndpoint":{"serviceName":"shop","ipv4":"10.0.0.1"},
		"remoteEndpoint":{"serviceName":"db","ipv6":"::1","port":5432},"annotations":[{"timestamp":1556604172355800,"value":"sent"}],
		"tags":{"a":"1","b":"2"},"debug":true,"shared":true}]`), nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Spans, got.Spans, cmp.AllowUnexported(plait.Value{})); diff != "" {
		t.Errorf("protobuf reads otherwise (-JSON +protobuf):\n%s", diff)
	}
}

func TestDecodeProtobufRefuses(t *testing.T) {
	t.Parallel()
	good := protobufSpan(t)
	for want, bad := range map[string]message{
		"trace_id has 0 bytes":          message(nil).bytes(3, "12345678").fixed(6, 1),
		"trace_id has 17 bytes":         message(nil).bytes(1, strings.Repeat("x", 17)),
		`id "" has 0 bytes`:             message(nil).bytes(1, "12345678").fixed(6, 1),
		`parent_id "78" has 1 bytes`:    message(nil).bytes(1, "12345678").bytes(3, "12345678").bytes(2, "x").fixed(6, 1),
		"kind 9 is none":                good.varint(4, 9),
		"neither a timestamp nor annot": message(nil).bytes(1, "12345678").bytes(3, "12345678"),
	} {
		traces, err := DecodeProtobuf(message(nil).bytes(1, string(bad)).bytes(1, string(good)), nil)
		if err != nil || len(traces.Spans) != 1 || len(traces.Refused) != 1 || !strings.Contains(traces.Refused[0].Reason, want) {
			t.Errorf("%s: %+v, %v", want, traces, err)
		}
	}
	whole := message(nil).bytes(1, string(good))
	if _, err := DecodeProtobuf(whole[:len(whole)-1], nil); !errors.Is(err, plait.ErrInvalid) {
		t.Errorf("a list that ends early: %v", err)
	}
}

func TestMemoryOfOneSpanIsAskedForWhileItIsRead(t *testing.T) {
	t.Parallel()
	refusal := errors.New("no more")
	claim := func(int64) error { return refusal }
	pair := message(nil).bytes(11, string(message(nil).bytes(1, "a")))
	if _, err := DecodeProtobuf(message(nil).bytes(1, strings.Repeat(string(pair), 100_000)), claim); !errors.Is(err, refusal) {
		t.Errorf("protobuf: %v", err)
	}
	if _, err := DecodeJSON([]byte(`[{"tags":{"a":"b"`+strings.Repeat(`,"a":"b"`, 100_000)+`}}]`), claim); !errors.Is(err, refusal) {
		t.Errorf("JSON: %v", err)
	}
}

func FuzzDecodeProtobuf(f *testing.F) {
	f.Add([]byte(message(nil).bytes(1, string(protobufSpan(f)))))
	f.Add([]byte(message(nil).bytes(1, string(message(nil).bytes(1, "12345678").bytes(3, "12345678").fixed(6, 1<<63).varint(7, 1<<63)))))
	if body, err := os.ReadFile("testdata/skew.json"); err == nil {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		traces, err := DecodeProtobuf(body, nil)
		if err != nil {
			if !errors.Is(err, plait.ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		for i := range traces.Spans {
			if s := &traces.Spans[i]; s.Resource == nil || s.Scope == nil || s.EndNanos < s.StartNanos {
				t.Fatalf("%+v", s)
			}
		}
	})
}
