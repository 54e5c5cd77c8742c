package protobuf_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/protobuf"
)

// walked lists the fields of a message as text, and how its walk ended.
func walked(f protobuf.Fields) (list []string, err error) {
	for f.Next() {
		switch f.Tag & 7 {
		case protobuf.Bytes:
			list = append(list, fmt.Sprintf("%d: %q", f.Tag>>3, f.Text()))
		case protobuf.Varint, protobuf.Fixed32, protobuf.Fixed64:
			list = append(list, fmt.Sprintf("%d: %d", f.Tag>>3, f.Num))
		default:
			list = append(list, fmt.Sprintf("%d: a group", f.Tag>>3))
		}
	}
	return list, f.Err
}

// reference is walked by Google's own reader.
func reference(msg []byte) (list []string, ok bool) {
	for len(msg) > 0 {
		number, kind, n := protowire.ConsumeTag(msg)
		if n < 0 || number > protowire.MaxValidNumber {
			return list, false
		}
		value := msg[n:]
		m := protowire.ConsumeFieldValue(number, kind, value)
		if m < 0 {
			return list, false
		}
		switch kind {
		case protowire.BytesType:
			content, _ := protowire.ConsumeBytes(value)
			list = append(list, fmt.Sprintf("%d: %q", number, content))
		case protowire.VarintType:
			v, _ := protowire.ConsumeVarint(value)
			list = append(list, fmt.Sprintf("%d: %d", number, v))
		case protowire.Fixed32Type:
			v, _ := protowire.ConsumeFixed32(value)
			list = append(list, fmt.Sprintf("%d: %d", number, v))
		case protowire.Fixed64Type:
			v, _ := protowire.ConsumeFixed64(value)
			list = append(list, fmt.Sprintf("%d: %d", number, v))
		default:
			list = append(list, fmt.Sprintf("%d: a group", number))
		}
		msg = msg[n+m:]
	}
	return list, true
}

func FuzzFieldsAreReadAsProtowireReadsThem(f *testing.F) {
	var all []byte
	all = protowire.AppendVarint(protowire.AppendTag(all, 1, protowire.VarintType), 300)
	all = protowire.AppendFixed64(protowire.AppendTag(all, 15, protowire.Fixed64Type), 1<<60)
	all = protowire.AppendFixed32(protowire.AppendTag(all, 16, protowire.Fixed32Type), 7)
	for _, size := range []int{0, 1, 127, 128, 1<<14 - 1, 1 << 14} {
		all = protowire.AppendBytes(protowire.AppendTag(all, 2, protowire.BytesType), make([]byte, size))
	}
	all = protowire.AppendGroup(protowire.AppendTag(all, 3, protowire.StartGroupType), 3, []byte("\x08\x01"))
	f.Add(all)
	for _, seed := range []string{"\x0a", "\x0a\x80", "\x0a\x80\x80", "\x0a\x80\x01", "\x0a\xff\xff\x00", "\x08\x80", "\x0b", "\x0c", "\x0b\x0c", "\x0b\x14", "\x02\x00", "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x8a\x00\x01x"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, msg []byte) {
		list, err := walked(protobuf.Of(string(msg)))
		want, ok := reference(msg)
		if strings.Count(string(msg), "\x03")+strings.Count(string(msg), "\x0b") > 100 {
			return // there may be a hundred groups in one another
		}
		if ok != (err == nil) || !slices.Equal(list, want) {
			t.Errorf("%.200x: read as %.500q (%v), want %.500q (%v)", msg, list, err, want, ok)
		}
		var at *protobuf.Error
		if err != nil && (!errors.As(err, &at) || at.Offset < 0 || at.Offset >= len(msg) || !errors.Is(err, plait.ErrInvalid)) {
			t.Errorf("%.200x: the error %v is at no byte of the message", msg, err)
		}
	})
}

func TestMistakesAreToldWithTheirByte(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("\x0b", 200)
	for _, c := range []struct{ name, body, want string }{
		{"tag cut off", "\x08\x01\x80", "byte 2: field tag is cut off or out of range"},
		{"field number 0", "\x08\x01\x00", "byte 2: field number is 0"},
		{"tag of more than 32 bits", "\xff\xff\xff\xff\xff\x01", "byte 0: field tag is cut off or out of range"},
		{"number cut off", "\x08\x01\x08\xff", "byte 2: number is cut off or too long"},
		{"number of eleven bytes", "\x08" + strings.Repeat("\xff", 10) + "\x01", "byte 0: number is cut off or too long"},
		{"fixed64 cut off", "\x09\x01\x02", "byte 0: number is cut off"},
		{"fixed32 cut off", "\x0d\x01\x02", "byte 0: number is cut off"},
		{"length beyond the end", "\x0a\x03ab", "byte 0: field is longer than what is left of its message"},
		{"no length", "\x08\x01\x0a", "byte 2: field is longer than what is left of its message"},
		{"wire type 6", "\x0e\x00", "byte 0: wire type is none of protobuf's"},
		{"group without end", "\x0b\x08\x01", "byte 0: a group does not end"},
		{"end without group", "\x08\x01\x0c", "byte 2: a group ends that has not begun"},
		{"end of another group", "\x0b\x14", "byte 1: a group ends that has not begun"},
		{"mistake inside of a group", "\x0b\x0a\x7f\x0c", "byte 1: field is longer than what is left of its message"},
		{"groups in groups", deep, "byte 100: groups nest too deep"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, err := walked(protobuf.Of(c.body)); err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestPositionsAreThoseOfTheBody(t *testing.T) {
	t.Parallel()
	outer := protobuf.Of("\x08\x01\x12\x04\x0a\x7fab")
	for outer.Next() && outer.Tag != 2<<3|protobuf.Bytes {
	}
	inner := outer.Message()
	if inner.Pos() != 4 || inner.Len() != 4 || inner.Rest() != "\x0a\x7fab" || inner.Body() != outer.Body() {
		t.Errorf("the inner message is at %d and has %d bytes, %q", inner.Pos(), inner.Len(), inner.Rest())
	}
	if _, err := walked(inner); err == nil || err.Error() != "byte 4: field is longer than what is left of its message" {
		t.Errorf("got %v", err)
	}
}

func TestRunsEndWhereAnotherFieldBegins(t *testing.T) {
	t.Parallel()
	long := "\x0a\x80\x01" + strings.Repeat("x", 128)
	for _, c := range []struct {
		name, body        string
		following, passed int
		text              string // of the last that was passed
	}{
		{"alone", "\x0a\x01a", 0, 0, "a"},
		{"three", "\x0a\x01a\x0a\x01b\x0a\x01c", 2, 2, "c"},
		{"another in between", "\x0a\x01a\x0a\x01b\x12\x01x\x0a\x01c", 1, 1, "b"},
		{"one that is cut off", "\x0a\x01a\x0a\x01b\x0a\x05c", 1, 1, "b"},
		{"one with a long length", "\x0a\x01a" + long + "\x0a\x01c", 2, 0, "a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := protobuf.Of(c.body)
			f.Next()
			if n := f.Following(); n != c.following {
				t.Errorf("%d follow, want %d", n, c.following)
			}
			if n := f.PassRun(); n != c.passed || f.Text() != c.text {
				t.Errorf("passed %d up to %q, want %d up to %q", n, f.Text(), c.passed, c.text)
			}
		})
	}
}

func TestPackedNumbersAreReadToTheirEnd(t *testing.T) {
	t.Parallel()
	f := protobuf.Of("\x01\xac\x02\x00\x80")
	var got []uint64
	for f.NextNumber() {
		got = append(got, f.Num)
	}
	if !slices.Equal(got, []uint64{1, 300, 0}) || f.Err == nil || f.Err.Error() != "byte 4: number is cut off or too long" {
		t.Errorf("got %v, %v", got, f.Err)
	}
}
