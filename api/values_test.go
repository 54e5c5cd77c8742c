package api

import (
	"encoding"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/plaithq/plait"
)

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
		var m moment
		if err := m.UnmarshalText([]byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := stamp(m.resolve(now).UnixNano()); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}

func TestValuesThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		into  encoding.TextUnmarshaler
		texts []string
	}{
		{new(moment), []string{"", "yesterday", "1e9", "nowish", "now-", "now-101y", "now--1h", "2023-01-29", "99999999999.", "9999-01-01T00:00:00Z", "1674982096.4.7"}},
		{new(period), []string{"", "5", "-1s", "long", "101y"}},
		{new(severity), []string{"", "0", "25", "loud"}},
		{new(spanID), []string{"", "0", "0000000000000000", "xyz", "18446744073709551616"}},
		{new(attribute), []string{"", "x", "=x"}},
		{new(afterSeries), []string{"!", "AAAA", "AAAAAAAAAAA", "AAAAAAAAAACAgICAgICAgIAB"}},
		{new(traceID), []string{"", "0", "xyz"}},
	} {
		for _, text := range c.texts {
			if err := c.into.UnmarshalText([]byte(text)); !errors.Is(err, plait.ErrInvalid) {
				t.Errorf("%q is read into a %T with error %v, want ErrInvalid", text, c.into, err)
			}
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
		var s spanID
		if err := s.UnmarshalText([]byte(text)); err != nil || plait.SpanID(s) != want {
			t.Errorf("%s is %v with error %v, want %v", text, plait.SpanID(s), err, want)
		}
	}
}

func TestSeveritiesAreNamesOrNumbers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]severity{"trace": 1, "WARN": 13, "warning": 13, "Error": 17, "fatal": 21, "10": 10} {
		var s severity
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want {
			t.Errorf("%s is %d with error %v, want %d", text, s, err, want)
		}
	}
}

func FuzzValues(f *testing.F) {
	for _, text := range []string{"1674982096.478", "now-15m", "2023-01-29T08:48:16Z", "250ms", "7d", "warn", "a=b", "00f067aa0ba902b7", "Ag"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, v := range []encoding.TextUnmarshaler{
			new(moment), new(period), new(severity), new(status), new(kind), new(attribute), new(spanID), new(traceID), new(afterSeries),
		} {
			if err := v.UnmarshalText([]byte(text)); err != nil && !errors.Is(err, plait.ErrInvalid) {
				t.Errorf("%q into a %T: error %v is of no kind", text, v, err)
			}
		}
	})
}

func TestTracePathsAreTakenApart(t *testing.T) {
	t.Parallel()
	const id, base64 = "17b4947393b68e5df1fac39efc57b3a5", "V1npiL2GLj/hvkaplCcnkw=="
	for path, want := range map[string][2]string{
		id:                                  {id, ""},
		id + "/logs":                        {id, "/logs"},
		id + "/123;o=1":                     {id + "/123;o=1", ""},
		id + "/123;o=1/metrics":             {id + "/123;o=1", "/metrics"},
		"projects/p/traces/" + id:           {"projects/p/traces/" + id, ""},
		"projects/p/traces/" + id + "/logs": {"projects/p/traces/" + id, "/logs"},
		base64:                              {base64, ""},
		base64 + "/metrics":                 {base64, "/metrics"},
		id + "%2Fnope":                      {id + "/nope", ""}, // escaped, it is a part of the id
		id + "%2F":                          {id + "/", ""},
		"not-an-id":                         {"not-an-id", ""},
		"no/trace/here":                     {"no/trace/here", ""},
		// Nothing is at these.
		"":                                  {},
		"/logs":                             {},
		id + "/":                            {},
		id + "/logs/":                       {},
		id + "/nope":                        {},
		id + "/logs/metrics":                {},
		id + "/123;o=1/nope":                {},
		id + "/nope/logs":                   {},
		"projects/p/traces/" + id + "/nope": {},
		"projects/p/traces/" + id + "/":     {},
		base64 + "/nope":                    {},
	} {
		u, err := url.Parse(tracesAt + path)
		if err != nil {
			t.Fatal(err)
		}
		got, rest, err := splitTracePath(u)
		if got != want[0] || rest != want[1] || (err == nil) != (want[0] != "") {
			t.Errorf("%s is id %q and %q (%v), want %q and %q", path, got, rest, err, want[0], want[1])
		}
	}
}

func FuzzTracePath(f *testing.F) {
	f.Add("/api/v1/pivot/trace/abc/1;o=1/logs")
	f.Add("/api/v1/pivot/trace/a%2Fb%7Cc/metrics")
	f.Add("/api/v1/pivot/trace/a/nope/")
	f.Fuzz(func(t *testing.T, path string) {
		u, err := url.Parse(path)
		if err != nil {
			return
		}
		id, rest, err := splitTracePath(u)
		if err != nil && !errors.Is(err, echo.ErrNotFound) {
			t.Errorf("%q: %v", path, err)
		}
		if err == nil && (id == "" || rest != "" && rest != "/logs" && rest != "/metrics" || strings.HasSuffix(u.EscapedPath(), "/")) {
			t.Errorf("%q is id %q and %q", path, id, rest)
		}
		// An id is found in its path, escaped, whatever it has in it.
		if id == "" {
			return
		}
		again, rest, err := splitTracePath(&url.URL{Path: tracesAt + id, RawPath: tracesAt + url.PathEscape(id)})
		if err != nil || again != id || rest != "" {
			t.Errorf("id %q, escaped, is read as %q and %q: %v", id, again, rest, err)
		}
	})
}

func TestAWindowHasALength(t *testing.T) {
	t.Parallel()
	at := moment{given: true, at: time.Unix(1_700_000_000, 0)}
	if _, err := (window{Start: at, End: at}).within(time.Now()); !errors.Is(err, plait.ErrInvalid) {
		t.Errorf("a window that ends as it starts is answered with %v", err)
	}
}
