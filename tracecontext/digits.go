package tracecontext

import (
	"encoding/base64"
	"encoding/binary"
	"strconv"

	"github.com/plaithq/plait"
)

// Digits of ids in full.
const (
	traceDigits = 32
	spanDigits  = 16
	// likelyDigits is how many digits a random 64-bit id has at least, but once in a million:
	// below it a number under a name like trace_id is taken for something else.
	likelyDigits = 12
	// prefixedDigits is likelyDigits behind a 0x, where there can be an address, of 12 digits.
	prefixedDigits = 14
	// maxDecimalDigits is the length of the largest 64-bit number in decimal.
	maxDecimalDigits = 20
)

var hexValue = func() (t [256]int8) {
	for i := range t {
		t[i] = -1
	}
	for i, c := range "0123456789abcdef" {
		t[c] = int8(i)
	}
	for i, c := range "ABCDEF" {
		t[c] = int8(10 + i)
	}
	return t
}()

func isHex(c byte) bool { return hexValue[c] >= 0 }

// readHex reads hexadecimal digits of any case, right-aligned into dst, as ids are padded.
func readHex(dst []byte, s string) bool {
	if s == "" || len(s) > 2*len(dst) {
		return false
	}
	clear(dst)
	for i, at := len(s)-1, len(dst)-1; i >= 0; i, at = i-2, at-1 {
		low, high := hexValue[s[i]], int8(0)
		if i > 0 {
			high = hexValue[s[i-1]]
		}
		if low < 0 || high < 0 {
			return false
		}
		dst[at] = byte(high)<<4 | byte(low)
	}
	return true
}

// CutHexPrefix takes off the 0x that C and Python print before hexadecimal numbers.
func CutHexPrefix(s string) (digits string, ok bool) {
	if len(s) > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') {
		return s[2:], true
	}
	return s, false
}

// traceFromHex reads a trace id of at least minDigits digits whose leading zeros or upper half
// may be missing.
func traceFromHex(s string, minDigits int) (id plait.TraceID, ok bool) {
	if digits, prefixed := CutHexPrefix(s); prefixed {
		s, minDigits = digits, max(minDigits, prefixedDigits)
	}
	ok = len(s) >= minDigits && readHex(id[:], s) && !id.IsZero()
	return id, ok
}

// spanFromHex is traceFromHex for span ids.
func spanFromHex(s string, minDigits int) (id plait.SpanID, ok bool) {
	if digits, prefixed := CutHexPrefix(s); prefixed {
		s, minDigits = digits, max(minDigits, prefixedDigits)
	}
	ok = len(s) >= minDigits && readHex(id[:], s) && !id.IsZero()
	return id, ok
}

// traceFromLow makes a trace id of which only the lower half is known.
func traceFromLow(low uint64) (id plait.TraceID) {
	binary.BigEndian.PutUint64(id[8:], low)
	return id
}

func spanFromUint(v uint64) (id plait.SpanID) {
	binary.BigEndian.PutUint64(id[:], v)
	return id
}

// readDecimal reads a 64-bit id in decimal. Languages without unsigned integers print the upper
// half of the range as negative numbers.
func readDecimal(s string) (uint64, bool) {
	if len(s) > 1 && s[0] == '-' {
		v, err := strconv.ParseInt(s, 10, 64)
		return uint64(v), err == nil && v != 0
	}
	if s == "" || len(s) > maxDecimalDigits || !allDecimal(s) {
		return 0, false
	}
	v, err := strconv.ParseUint(s, 10, 64)
	return v, err == nil && v != 0
}

func allDecimal(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// readBase64 reads what protobuf's JSON makes of a bytes field of len(dst) bytes, padding
// included: without it every word of the right length would be an id.
func readBase64(dst []byte, s string) bool {
	var buf [18]byte
	if len(s) != base64.StdEncoding.EncodedLen(len(dst)) || s[len(s)-1] != '=' {
		return false
	}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		if n, err := encoding.Decode(buf[:], []byte(s)); err == nil && n == len(dst) {
			copy(dst, buf[:n])
			return true
		}
	}
	return false
}
