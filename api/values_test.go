package api

import (
	"encoding"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/plaithq/plait"
)

func TestValuesThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		into  encoding.TextUnmarshaler
		texts []string
	}{
		{new(severity), []string{"", "0", "25", "loud"}},
		{new(status), []string{"", "3", "-1", "STATUS_CODE_", "bad", "SPAN_KIND_SERVER"}},
		{new(kind), []string{"", "6", "02", "SPAN_KIND_", "SPAN_KIND_BROKER", "error"}},
		{new(attribute), []string{"", "x", "=x"}},
		{new(afterSeries), []string{"!", "AAAA", "AAAAAAAAAAA", "AAAAAAAAAACAgICAgICAgIAB"}},
	} {
		for _, text := range c.texts {
			if err := c.into.UnmarshalText([]byte(text)); !errors.Is(err, plait.ErrInvalid) {
				t.Errorf("%q is read into a %T with error %v, want ErrInvalid", text, c.into, err)
			}
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

func TestStatusesAndKindsAreSpelledAsMetricsDo(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"error", "Error", "ERROR", "STATUS_CODE_ERROR", "status_code_error", "2"} {
		var s status
		if err := s.UnmarshalText([]byte(text)); err != nil || *s.code != plait.StatusError {
			t.Errorf("%s is %v with error %v", text, s.code, err)
		}
	}
	for _, text := range []string{"server", "Server", "SPAN_KIND_SERVER", "2"} {
		var k kind
		if err := k.UnmarshalText([]byte(text)); err != nil || *k.kind != plait.SpanKindServer {
			t.Errorf("%s is %v with error %v", text, k.kind, err)
		}
	}
}

func FuzzValues(f *testing.F) {
	for _, text := range []string{"warn", "error", "server", "a=b", "Ag"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, v := range []encoding.TextUnmarshaler{
			new(severity), new(status), new(kind), new(attribute), new(afterSeries),
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
