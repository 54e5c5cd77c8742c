package condition

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/canonical"
)

// said is a value as a user types it, without saying of which type (see Said).
type said struct {
	text   string
	quoted *string // what the text says as a JSON string, nil when it is none
	number *saidNumber
	nested any // what the text says as a JSON array or object, nil when it is none
}

func newSaid(text string) *said {
	w := &said{text: text, number: newSaidNumber(text)}
	switch {
	case strings.HasPrefix(text, `"`):
		var s string
		if json.Unmarshal([]byte(text), &s) == nil {
			w.quoted = &s
		}
	case strings.HasPrefix(text, "["), strings.HasPrefix(text, "{"):
		w.nested, _ = decodeJSON(text)
	}
	return w
}

// fits says whether a value says the same.
func (w *said) fits(v plait.Value) bool {
	switch v.Kind() {
	case plait.KindString:
		return v.Str() == w.text || w.quoted != nil && v.Str() == *w.quoted
	case plait.KindBool:
		return strings.EqualFold(w.text, strconv.FormatBool(v.Bool()))
	case plait.KindInt:
		return w.number != nil && w.number.isInt(v.Int())
	case plait.KindDouble:
		return w.number != nil && w.number.isDouble(v.Double())
	case plait.KindBytes:
		return w.text == base64.StdEncoding.EncodeToString([]byte(v.Str())) || w.text == v.Text()
	case plait.KindArray:
		return w.text == v.Str() || w.saysJSON(v.Str()) || slices.ContainsFunc(Elements(v), w.fits)
	case plait.KindMap:
		return w.text == v.Str() || w.saysJSON(v.Str())
	}
	return w.text == "" || w.text == "null"
}

// fitsEmpty says that the empty value fits, too, which otherwise counts as absent.
func (w *said) fitsEmpty() bool { return w.fits(plait.Value{}) }

func (w *said) saysJSON(canonical string) bool {
	if w.nested == nil {
		return false
	}
	other, ok := decodeJSON(canonical)
	return ok && sameJSON(w.nested, other)
}

// saidNumber is a number as a user types it.
type saidNumber struct {
	whole   *int64 // nil when it is no integer of 64 bits
	double  float64
	rounded bool // an integer that double neither is to the last digit nor is written as
}

// maxNumberBytes is the length of the longest text that is read as a number.
const maxNumberBytes = 400

func newSaidNumber(text string) *saidNumber {
	if len(text) > maxNumberBytes {
		return nil
	}
	double, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil
	}
	n := &saidNumber{double: double}
	switch {
	case double == 0:
		n.whole = new(int64)
	case math.Abs(double) < 1<<64: // so that the exact number is a short one
		exact, ok := new(big.Rat).SetString(text)
		if !ok || !exact.IsInt() {
			break
		}
		_, accuracy := new(big.Float).SetInt(exact.Num()).Float64()
		n.rounded = accuracy != big.Exact && exact.Num().String() != strconv.FormatFloat(double, 'f', -1, 64)
		if exact.Num().IsInt64() {
			whole := exact.Num().Int64()
			n.whole = &whole
		}
	}
	return n
}

func (n *saidNumber) isInt(i int64) bool { return n.whole != nil && *n.whole == i }

func (n *saidNumber) isDouble(f float64) bool {
	return !n.rounded && (f == n.double || math.IsNaN(f) && math.IsNaN(n.double))
}

// Elements are the members of an array, none where the value is no array.
func Elements(array plait.Value) []plait.Value {
	var raw []json.RawMessage
	if json.Unmarshal([]byte(array.Str()), &raw) != nil {
		return nil
	}
	values := make([]plait.Value, 0, len(raw))
	for _, r := range raw {
		if v, err := canonical.ParseValue(string(r)); err == nil {
			values = append(values, v)
		}
	}
	return values
}

// decodeJSON reads JSON with its numbers as they are written.
func decodeJSON(text string) (any, bool) {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err == nil && !d.More()
}

// sameJSON says whether two values of decodeJSON say the same.
func sameJSON(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		b, ok := b.(json.Number)
		return ok && (a == b || sameNumber(a.String(), b.String()))
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, sameJSON)
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for key, v := range a {
			if other, there := b[key]; !there || !sameJSON(v, other) {
				return false
			}
		}
		return true
	}
	return a == b
}

func sameNumber(a, b string) bool {
	n, m := newSaidNumber(a), newSaidNumber(b)
	if n == nil || m == nil {
		return false
	}
	if n.whole != nil || m.whole != nil {
		return n.whole != nil && m.whole != nil && *n.whole == *m.whole
	}
	return n.double == m.double
}
