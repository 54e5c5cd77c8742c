package condition

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/canonical"
)

// Spellings returns the values, other than lists with them, that fit an OpEqual: for an index, which has
// values as they are written. It is not ok where values fit that are written in other ways, or the
// leaf does not ask for what equals something.
func (l Leaf) Spellings() (values []plait.Value, ok bool) {
	if l.Op != OpEqual || l.Field.Path != "" {
		return nil, false
	}
	switch v := l.Value; v.typ {
	case TypeString:
		return []plait.Value{plait.StringValue(v.text)}, true
	case TypeText:
		return spellingsOfText(v.text), true
	case TypeSaid:
		return newSaid(v.text).spellings()
	case TypeBool:
		return []plait.Value{plait.BoolValue(v.Bool())}, true
	case TypeInt, TypeDuration:
		values = []plait.Value{plait.IntValue(v.Int64())}
		if f := float64(v.Int64()); f < 1<<63 && int64(f) == v.Int64() {
			values = append(values, plait.DoubleValue(f))
		}
		return values, true
	case TypeFloat:
		f := v.Float64()
		values = []plait.Value{plait.DoubleValue(f)}
		if f == math.Trunc(f) && f >= -1<<63 && f < 1<<63 {
			values = append(values, plait.IntValue(int64(f)))
		}
		return values, true
	}
	return nil, false
}

// spellingsOfText are the values of a text.
func spellingsOfText(text string) []plait.Value {
	values := []plait.Value{plait.StringValue(text), plait.ArrayValue(text), plait.MapValue(text)}
	if v, err := canonical.ParseValue(text); err == nil && v.Kind() != plait.KindString && v.Text() == text {
		values = append(values, v)
	}
	return values
}

// spellings are the values that say the same; lists and maps may say it in any layout.
func (w *said) spellings() (values []plait.Value, ok bool) {
	values = []plait.Value{plait.StringValue(w.text)}
	if w.quoted != nil {
		values = append(values, plait.StringValue(*w.quoted))
	}
	if n := w.number; n != nil {
		if n.whole != nil {
			values = append(values, plait.IntValue(*n.whole))
		}
		if !n.rounded {
			values = append(values, plait.DoubleValue(n.double))
		}
		if n.double == 0 {
			values = append(values, plait.DoubleValue(math.Copysign(0, -1)))
		}
	}
	if b, err := strconv.ParseBool(strings.ToLower(w.text)); err == nil && strings.EqualFold(w.text, strconv.FormatBool(b)) {
		values = append(values, plait.BoolValue(b))
	}
	if w.fitsEmpty() {
		values = append(values, plait.Value{})
	}
	if b, err := base64.StdEncoding.DecodeString(w.text); err == nil {
		values = append(values, plait.BytesValue(string(b)))
	}
	if v, err := canonical.ParseValue(w.text); err == nil && v.Kind() == plait.KindBytes {
		values = append(values, v)
	}
	return values, w.nested == nil
}
