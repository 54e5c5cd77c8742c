package loki

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/plaithq/plait"
)

func TestHostileQueriesAreBounded(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *Config) { c.Timeout = 10 * time.Second })
	of := &plait.Resource{Attributes: plait.Attributes{attr("service.name", "victim")}}
	var records []plait.LogRecord
	for range 200 {
		records = append(records, plait.LogRecord{TimeNanos: base.UnixNano(), Resource: of, Body: plait.StringValue(strings.Repeat("a", 1000))})
	}
	s.write(t, records...)
	for query, want := range map[string]struct {
		status int
		says   string
	}{
		`{service_name="victim"} |~ "((a{100}){100}){100}"`:                                                           {http.StatusBadRequest, "parse error at line 1, col"},
		`{service_name="victim"} | regexp "` + strings.Repeat("(", 2000) + `"`:                                        {http.StatusBadRequest, "parse error at line 1, col"},
		`{service_name="victim"} | line_format "{{ define \"x\" }}{{ template \"x\" }}{{ end }}{{ template \"x\" }}"`: {http.StatusBadRequest, "defines no others"},
		`{service_name="victim"} | line_format "{{ range 1000000000 }}x{{ end }}"`:                                    {http.StatusOK, "the template takes too long"},
		`{service_name="victim"} | line_format "{{ repeat 1000000000 __line__ }}"`:                                    {http.StatusOK, "more than 1 MiB"},
		`{service_name="victim"} |~ "((((a*)*)*)*)*b$"`:                                                               {http.StatusOK, `"result":[]`},
		strings.Repeat("(", 5000) + `rate({service_name="victim"}[1m])` + strings.Repeat(")", 5000):                   {http.StatusBadRequest, "parse error at line 1, col"},
		`{service_name="victim"} ` + strings.Repeat(`|= "a" `, 5000):                                                  {http.StatusBadRequest, ""},
	} {
		status, body := s.get(t, root+"query_range", url.Values{"query": {query}})
		late := status == http.StatusGatewayTimeout || status == http.StatusServiceUnavailable // on a busy machine
		if !late && (status != want.status || !strings.Contains(body, want.says)) {
			t.Errorf("%.100s: %d %.500s", query, status, body)
		}
	}
	if lines := s.lines(t, `{service_name="victim"} |= "a"`, "limit", "3"); len(lines) != 3 {
		t.Errorf("afterwards %d lines are answered", len(lines))
	}
}
