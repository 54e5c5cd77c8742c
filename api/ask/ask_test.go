package ask

import (
	"encoding"
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/plaithq/plait"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTimesAreToldApartByTheirSize(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"2023-01-29T08:48:16.478Z":      "2023-01-29T08:48:16.478000000Z",
		"2023-01-29T09:48:16.478+01:00": "2023-01-29T08:48:16.478000000Z",
		"2023-01-29T09:48:16.478 01:00": "2023-01-29T08:48:16.478000000Z",
		"1674982096":                    "2023-01-29T08:48:16.000000000Z",
		"1674982096.478123456":          "2023-01-29T08:48:16.478123456Z",
		"1674982096478":                 "2023-01-29T08:48:16.478000000Z",
		"1674982096478.5":               "2023-01-29T08:48:16.478500000Z",
		"1674982096478123":              "2023-01-29T08:48:16.478123000Z",
		"1674982096478123456":           "2023-01-29T08:48:16.478123456Z",
		"0":                             "1970-01-01T00:00:00.000000000Z",
		"-1.5":                          "1969-12-31T23:59:58.500000000Z",
		"now":                           "2026-11-21T10:00:00.000000000Z",
		"now-15m":                       "2026-11-21T09:45:00.000000000Z",
		"now-7d":                        "2026-11-14T10:00:00.000000000Z",
		"now-2w":                        "2026-11-07T10:00:00.000000000Z",
		"now-1d12h":                     "2026-11-19T22:00:00.000000000Z",
		"now+1h":                        "2026-11-21T11:00:00.000000000Z",
	} {
		var m Moment
		if err := m.UnmarshalText([]byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := Stamp(m.Resolve(now).UnixNano()); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}

func TestSpanIDsAreReadInEverySpelling(t *testing.T) {
	t.Parallel()
	want := plait.SpanID{0, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7}
	for _, text := range []string{
		"00f067aa0ba902b7", "00F067AA0BA902B7", "f067aa0ba902b7", "67667974448284343",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	} {
		var s SpanID
		if err := s.UnmarshalText([]byte(text)); err != nil || plait.SpanID(s) != want {
			t.Errorf("%s is %v with error %v, want %v", text, plait.SpanID(s), err, want)
		}
	}
}

func TestAWindowHasALength(t *testing.T) {
	t.Parallel()
	at := Moment{given: true, at: time.Unix(1_700_000_000, 0)}
	if _, err := (Window{Start: at, End: at}).Within(time.Now()); !errors.Is(err, plait.ErrInvalid) {
		t.Errorf("a window that ends as it starts is answered with %v", err)
	}
}

func TestValuesThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		into  encoding.TextUnmarshaler
		texts []string
	}{
		{new(Moment), []string{"", "yesterday", "1e9", "nowish", "now-", "now-101y", "now--1h", "2023-01-29", "99999999999.", "9999-01-01T00:00:00Z", "1674982096.4.7"}},
		{new(Period), []string{"", "5", "-1s", "long", "101y"}},
		{new(SpanID), []string{"", "0", "0000000000000000", "xyz", "18446744073709551616"}},
		{new(TraceID), []string{"", "0", "xyz"}},
	} {
		for _, text := range c.texts {
			if err := c.into.UnmarshalText([]byte(text)); !errors.Is(err, plait.ErrInvalid) {
				t.Errorf("%q is read into a %T with error %v, want ErrInvalid", text, c.into, err)
			}
		}
	}
}

func FuzzValues(f *testing.F) {
	for _, text := range []string{"1674982096.478", "now-15m", "2023-01-29T08:48:16Z", "250ms", "7d", "00f067aa0ba902b7"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, v := range []encoding.TextUnmarshaler{new(Moment), new(Period), new(SpanID), new(TraceID)} {
			if err := v.UnmarshalText([]byte(text)); err != nil && !errors.Is(err, plait.ErrInvalid) {
				t.Errorf("%q into a %T: error %v is of no kind", text, v, err)
			}
		}
	})
}
