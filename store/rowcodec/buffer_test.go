package rowcodec

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestDifferenceStaysInsideInt64(t *testing.T) {
	const limit = math.MaxInt64 - int64(time.Second)
	for _, c := range []struct{ a, b, want int64 }{
		{5, 3, 2}, {3, 5, -2}, {0, 0, 0}, {math.MaxInt64, math.MinInt64, limit}, {math.MinInt64, math.MaxInt64, -limit},
		{math.MaxInt64, 0, limit}, {math.MinInt64, 0, -limit}, {0, math.MinInt64, limit}, {-1, math.MaxInt64, -limit},
		{math.MinInt64, math.MinInt64, 0}, {math.MaxInt64, math.MaxInt64 - 1, 1},
	} {
		if got := Difference(c.a, c.b); got != c.want {
			t.Errorf("Difference(%d, %d) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestTimesAreSplitIntoMicrosecondsAndRest(t *testing.T) {
	for _, nanos := range []int64{math.MinInt64, -1001, -1000, -999, -1, 0, 1, 999, 1000, 1001, math.MaxInt64} {
		micros, rest := FloorDiv(nanos, 1000), int64(SubMicros(nanos))
		if rest < 0 || rest > 999 || micros*1000+rest != nanos { // the least wraps twice
			t.Errorf("%d becomes %d µs and %d ns", nanos, micros, rest)
		}
	}
}

func FuzzCleanTextIsStorable(f *testing.F) {
	for _, seed := range []string{"", "a\x00", "\xff", "é\xc3", "plain"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		clean := CleanText(s)
		if !utf8.ValidString(clean) || strings.Contains(clean, "\x00") {
			t.Errorf("%q becomes %q", s, clean)
		}
	})
}

func FuzzTimesReadBackAsWritten(f *testing.F) {
	for _, nanos := range []int64{0, 1, -1, 999, 1000, -1000, -1001, math.MaxInt64, math.MinInt64} {
		f.Add(nanos)
	}
	f.Fuzz(func(t *testing.T, nanos int64) {
		var b Buffer
		b.Timestamptz(nanos)
		b.Int2(SubMicros(nanos))
		micros, sub := TimeMicros(b.Bytes[4:12]), Int2(b.Bytes[16:])
		if sub < 0 || sub > 999 || micros*1000+int64(sub) != nanos {
			t.Errorf("%d is stored as %d µs and %d ns", nanos, micros, sub)
		}
	})
}
