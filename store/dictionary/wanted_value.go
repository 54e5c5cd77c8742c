package dictionary

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

// wantedValue is a value as a user types it. It fits what says the same, however it is
// written: 500 and 5e2 fit the integer and the double, 500 the string as well, "500" in quotes
// only the string. Integers are compared to the last digit. A list has what one of its members is.
type wantedValue struct {
	text   string
	quoted *string // what the text says as a JSON string, nil when it is none
	number *wantedNumber
	nested any // what the text says as a JSON array or object, nil when it is none
}

func newWantedValue(text string) wantedValue {
	w := wantedValue{text: text, number: newWantedNumber(text)}
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

// fits says whether a value says what is wanted.
func (w *wantedValue) fits(v plait.Value) bool {
	switch v.Kind() {
	case plait.KindString:
		return v.Str() == w.text || w.quoted != nil && v.Str() == *w.quoted
	case plait.KindBool:
		return strings.EqualFold(w.text, strconv.FormatBool(v.Bool()))
	case plait.KindInt:
		return w.number != nil && w.number.fitsInt(v.Int())
	case plait.KindDouble:
		return w.number != nil && w.number.fitsDouble(v.Double())
	case plait.KindBytes:
		return w.text == base64.StdEncoding.EncodeToString([]byte(v.Str())) || w.text == v.Text()
	case plait.KindArray:
		return w.text == v.Str() || w.saysJSON(v.Str()) || slices.ContainsFunc(elements(v), w.fits)
	case plait.KindMap:
		return w.text == v.Str() || w.saysJSON(v.Str())
	}
	return w.text == "" || w.text == "null"
}

func (w *wantedValue) saysJSON(canonical string) bool {
	if w.nested == nil {
		return false
	}
	other, ok := decodeJSON(canonical)
	return ok && sameJSON(w.nested, other)
}

// spellings are the canonical JSON of the values that fit, without lists and maps.
func (w *wantedValue) spellings() [][]byte {
	all := [][]byte{plait.AppendJSONString(nil, w.text)}
	if w.quoted != nil {
		all = append(all, plait.AppendJSONString(nil, *w.quoted))
	}
	if w.number != nil {
		all = append(all, w.number.spellings()...)
	}
	switch word := strings.ToLower(w.text); word {
	case "":
		all = append(all, []byte("null"))
	case "true", "false", "null":
		all = append(all, []byte(word))
	}
	if b, err := base64.StdEncoding.DecodeString(w.text); err == nil {
		all = append(all, plait.BytesValue(string(b)).AppendJSON(nil))
	}
	if strings.HasPrefix(w.text, `{"$`) {
		all = append(all, []byte(w.text))
	}
	return all
}

// wantedNumber is a number as a user types it.
type wantedNumber struct {
	whole   *int64 // nil when it is no integer of 64 bits
	double  float64
	rounded bool // an integer that double neither is to the last digit nor is written as
}

// maxNumber is the length of the longest text that is read as a number.
const maxNumber = 400

func newWantedNumber(text string) *wantedNumber {
	double, err := strconv.ParseFloat(text, 64)
	if err != nil || len(text) > maxNumber {
		return nil
	}
	n := &wantedNumber{double: double}
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

func (n *wantedNumber) fitsInt(i int64) bool { return n.whole != nil && *n.whole == i }

func (n *wantedNumber) fitsDouble(f float64) bool {
	return !n.rounded && (f == n.double || math.IsNaN(f) && math.IsNaN(n.double))
}

func (n *wantedNumber) spellings() (all [][]byte) {
	if n.whole != nil {
		all = append(all, strconv.AppendInt(nil, *n.whole, 10))
	}
	if !n.rounded {
		all = append(all, plait.DoubleValue(n.double).AppendJSON(nil))
	}
	if n.double == 0 {
		all = append(all, plait.DoubleValue(math.Copysign(0, -1)).AppendJSON(nil))
	}
	return all
}

// elements are the members of an array.
func elements(array plait.Value) []plait.Value {
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
	n, m := newWantedNumber(a), newWantedNumber(b)
	if n == nil || m == nil {
		return false
	}
	if n.whole != nil || m.whole != nil {
		return n.whole != nil && m.whole != nil && *n.whole == *m.whole
	}
	return n.double == m.double
}
