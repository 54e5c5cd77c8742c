package thrift

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	library "github.com/apache/thrift/lib/go/thrift"
	"go.uber.org/goleak"

	"github.com/plaithq/plait"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// protocol is one of the two, here and in Thrift's own library.
type protocol struct {
	read  func(string) Reader
	write func(library.TTransport) library.TProtocol
}

var protocols = map[string]protocol{
	"binary":  {Binary, func(t library.TTransport) library.TProtocol { return library.NewTBinaryProtocolConf(t, nil) }},
	"compact": {Compact, func(t library.TTransport) library.TProtocol { return library.NewTCompactProtocolConf(t, nil) }},
}

// written is what Thrift's library makes of a struct.
func (p protocol) written(t testing.TB, fields func(w *writer)) string {
	t.Helper()
	buffer := library.NewTMemoryBuffer()
	w := &writer{t: t, to: p.write(buffer)}
	w.object(fields)
	w.check(w.to.Flush(t.Context()))
	return buffer.String()
}

type writer struct {
	t  testing.TB
	to library.TProtocol
}

func (w *writer) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *writer) object(fields func(w *writer)) {
	ctx := w.t.Context()
	w.check(w.to.WriteStructBegin(ctx, ""))
	fields(w)
	w.check(w.to.WriteFieldStop(ctx))
	w.check(w.to.WriteStructEnd(ctx))
}

func (w *writer) field(id int16, t library.TType, value func() error) {
	ctx := w.t.Context()
	w.check(w.to.WriteFieldBegin(ctx, "", t, id))
	w.check(value())
	w.check(w.to.WriteFieldEnd(ctx))
}

// everything has a field of each type, some with numbers that are far apart, and some lists that are long.
func everything(w *writer) {
	ctx, to := w.t.Context(), w.to
	w.field(1, library.STRING, func() error { return to.WriteString(ctx, "name") })
	w.field(2, library.BOOL, func() error { return to.WriteBool(ctx, true) })
	w.field(3, library.BOOL, func() error { return to.WriteBool(ctx, false) })
	w.field(4, library.BYTE, func() error { return to.WriteByte(ctx, -3) })
	w.field(5, library.I16, func() error { return to.WriteI16(ctx, -300) })
	w.field(60, library.I32, func() error { return to.WriteI32(ctx, -70_000) })
	w.field(7, library.I64, func() error { return to.WriteI64(ctx, -5_000_000_000) })
	w.field(3000, library.DOUBLE, func() error { return to.WriteDouble(ctx, 2.5) })
	w.field(8, library.LIST, func() error {
		w.check(to.WriteListBegin(ctx, library.BOOL, 20))
		for i := range 20 {
			w.check(to.WriteBool(ctx, i%2 == 0))
		}
		return to.WriteListEnd(ctx)
	})
	w.field(9, library.SET, func() error {
		w.check(to.WriteSetBegin(ctx, library.I64, 2))
		w.check(to.WriteI64(ctx, 1))
		w.check(to.WriteI64(ctx, 1<<62))
		return to.WriteSetEnd(ctx)
	})
	w.field(10, library.MAP, func() error {
		w.check(to.WriteMapBegin(ctx, library.STRING, library.STRUCT, 1))
		w.check(to.WriteString(ctx, "k"))
		w.object(func(w *writer) { w.field(1, library.BOOL, func() error { return to.WriteBool(ctx, true) }) })
		return to.WriteMapEnd(ctx)
	})
	w.field(11, library.MAP, func() error {
		w.check(to.WriteMapBegin(ctx, library.STRING, library.I64, 0))
		return to.WriteMapEnd(ctx)
	})
	w.field(12, library.UUID, func() error { return to.WriteUUID(ctx, library.Tuuid{1, 15: 16}) })
	w.field(13, library.STRING, func() error { return to.WriteString(ctx, "") })
}

// outline is what is read of everything.
func outline(r *Reader) string {
	var b strings.Builder
	for s := (Struct{}); r.Field(&s); {
		fmt.Fprintf(&b, "%d:", s.ID)
		switch s.Type {
		case String:
			fmt.Fprintf(&b, "%q ", r.Text())
		case Bool:
			fmt.Fprint(&b, r.Bool(), " ")
		case I16, I32, I64:
			fmt.Fprint(&b, r.Int(s.Type), " ")
		case Double:
			fmt.Fprint(&b, r.Double(), " ")
		case Set:
			for item, n := r.Len(); r.Item(&n); {
				if item != I64 {
					r.Skip(item)
					continue
				}
				fmt.Fprint(&b, r.Int(item), " ")
			}
		default:
			fmt.Fprintf(&b, "type %d ", s.Type)
			r.Skip(s.Type)
		}
	}
	return b.String()
}

func TestWhatThriftsLibraryWritesIsRead(t *testing.T) {
	t.Parallel()
	const want = `1:"name" 2:true 3:false 4:type 3 5:-300 60:-70000 7:-5000000000 3000:2.5 8:type 15 9:1 4611686018427387904 10:type 13 11:type 13 12:type 16 13:"" `
	for name, p := range protocols {
		body := p.written(t, everything)
		r := p.read(body)
		if got := outline(&r); got != want || r.Err != nil {
			t.Errorf("%s: %v\n%s, want\n%s", name, r.Err, got, want)
		}
		if r.End(); r.Err != nil {
			t.Errorf("%s: at the end: %v", name, r.Err)
		}
		r = p.read(body)
		if r.Skip(Object); r.Err != nil {
			t.Errorf("%s: skipping all of it: %v", name, r.Err)
		}
		if r.End(); r.Err != nil {
			t.Errorf("%s: skipping leaves something: %v", name, r.Err)
		}
		for n := range len(body) {
			r := p.read(body[:n])
			if r.Skip(Object); !errors.Is(r.Err, plait.ErrInvalid) {
				t.Errorf("%s: %d of %d bytes: %v", name, n, len(body), r.Err)
			}
		}
	}
}

func TestWhatIsNoThriftIsRefusedWithItsPlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ protocol, body, want string }{
		{"binary", "", "byte 0: the message ends early"},
		{"binary", "01 0001", "byte 3: 1 is no type"},
		{"binary", "0b 0001 7fffffff", "byte 3: a string of 2147483647 is longer than the 0 bytes that follow"},
		{"binary", "0f 0001 0c ffffffff 00", "byte 3: a list of 4294967295 is longer than the 1 bytes that follow"},
		{"binary", "0d 0001 0b 0b 00000002 00", "byte 3: a map of 2 is longer than the 1 bytes that follow"},
		{"binary", "0f 0001 00 00000001 00", "byte 8: 0 is no type"},
		{"binary", strings.Repeat("0c 0001", 70), "byte 192: values nest deeper than 64 levels"},
		{"compact", "1e", "byte 0: 14 is no type of the compact protocol"},
		{"compact", "18 ffffffffffffffffffff01", "byte 1: a number has more than 64 bits"},
		{"compact", "19 f8 ffffff7f", "byte 1: a list of 268435455 is longer than the 0 bytes that follow"},
		{"compact", "1b 02 8e 00 00", "byte 2: 14 is no type of the compact protocol"},
	} {
		body, err := hex.DecodeString(strings.ReplaceAll(c.body, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		r := protocols[c.protocol].read(string(body))
		if r.Skip(Object); fmt.Sprint(r.Err) != c.want {
			t.Errorf("%s %s: %v, want %s", c.protocol, c.body[:min(len(c.body), 40)], r.Err, c.want)
		}
	}
	r := Binary("\x00\x00")
	r.Skip(Object)
	if r.End(); fmt.Sprint(r.Err) != "byte 1: the message has ended, and more follows" {
		t.Errorf("more than a message: %v", r.Err)
	}
}

func FuzzReader(f *testing.F) {
	for _, p := range protocols {
		f.Add([]byte(p.written(f, everything)))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for name, p := range protocols {
			skipping, reading := p.read(string(body)), p.read(string(body))
			skipping.Skip(Object)
			_ = outline(&reading)
			if skipping.Err == nil && (reading.Err != nil || skipping.pos != reading.pos) {
				t.Fatalf("%s: skipping ends at %d with %v, reading at %d with %v", name, skipping.pos, skipping.Err, reading.pos, reading.Err)
			}
		}
	})
}
