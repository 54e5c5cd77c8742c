package jsonlines

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/plaithq/plait"
)

// layouts are how loggers write times, besides RFC 3339. Those without a zone are in UTC.
var layouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999 -0700",
	"2006-01-02 15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006/01/02 15:04:05.999999999",
	"2006-01-02T15:04Z07:00", "20060102T150405.999999999Z0700", time.RFC1123Z, time.RFC1123, "02/Jan/2006:15:04:05 -0700", "2006-01-02 15:04:05 -0700 MST", "2006-01-02 15:04:05.999999999 -0700 MST",
}

// timeOf reads a time in any spelling that loggers use.
func timeOf(name string, v plait.Value) (nanos int64, ok bool) {
	switch v.Kind() {
	case plait.KindString:
		return textTime(v.Str())
	case plait.KindInt:
		return unixTime(float64(v.Int()), v.Int())
	case plait.KindDouble:
		return unixTime(v.Double(), int64(v.Double()))
	case plait.KindMap:
		return instant(name, v)
	}
	return 0, false
}

func textTime(s string) (int64, bool) {
	s = strings.TrimSpace(s)
	if len(s) > 64 || len(s) < 8 {
		return 0, false
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		i, _ := strconv.ParseInt(s, 10, 64)
		return unixTime(f, i)
	}
	if i := strings.LastIndexByte(s, ','); i == len("2006-01-02 15:04:05") { // Python's
		s = s[:i] + "." + s[i+1:]
	}
	if strings.HasSuffix(s, "z") { // RFC 3339 allows small letters
		s = strings.ToUpper(s)
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 1970 && t.Year() < 2262 {
			return t.UnixNano(), true
		}
	}
	return 0, false
}

// unixTime reads a number since 1970, in the unit that makes it a time between 2001 and the next centuries.
func unixTime(f float64, i int64) (int64, bool) {
	switch {
	case !(f >= 1e9 && f < 9e18):
		return 0, false
	case f < 1e11:
		seconds, fraction := math.Modf(f)
		return int64(seconds)*1e9 + int64(math.Round(fraction*1e6))*1e3, f < 9e9
	case f < 1e14:
		millis, fraction := math.Modf(f)
		return int64(millis)*1e6 + int64(math.Round(fraction*1e3))*1e3, f < 9e12
	case f < 1e17:
		return int64(f) * 1e3, f < 9e15
	}
	return i, true
}

// instant is log4j's object of seconds and nanoseconds.
func instant(name string, v plait.Value) (int64, bool) {
	if name != "instant" && name != "timestamp" {
		return 0, false
	}
	members, _, ok := objectOf(v.Str())
	if !ok {
		return 0, false
	}
	for _, names := range [][2]string{{"epochSecond", "nanoOfSecond"}, {"seconds", "nanos"}} {
		seconds, hasSeconds := members.Get(names[0])
		nanos, _ := members.Get(names[1])
		if hasSeconds && seconds.Kind() == plait.KindInt && seconds.Int() >= 0 && seconds.Int() < 9e9 {
			return seconds.Int()*1e9 + nanos.Int()%1e9, true
		}
	}
	return 0, false
}
