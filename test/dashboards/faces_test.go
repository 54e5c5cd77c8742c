package dashboards

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// wholeID is what Grafana's Tempo data source takes for the id of a trace; any other text is a search.
var wholeID = regexp.MustCompile(`^[0-9A-Fa-f]+$`)

// traceQL asks for a trace, or searches.
func (a asker) traceQL(t *testing.T, v view, q target) (r result) {
	t.Helper()
	query := v.traceQL(t, q.Query)
	switch {
	case query == "": // Grafana asks nothing
		r.err = errors.New("no trace was chosen")
	case wholeID.MatchString(query):
		var body struct {
			Trace struct {
				ResourceSpans []struct {
					ScopeSpans []struct{ Spans []json.RawMessage }
				}
			}
		}
		r.err = a.get(t, "/tempo/api/v2/traces/"+query, nil, &body)
		for _, resource := range body.Trace.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				r.rows += len(scope.Spans)
			}
		}
	default:
		var body struct{ Traces []json.RawMessage }
		r.err = a.get(t, "/tempo/api/search", url.Values{"q": {query}, "start": {strconv.FormatInt(v.from.Unix(), 10)}, "end": {strconv.FormatInt(v.to.Unix(), 10)}}, &body)
		r.rows = len(body.Traces)
	}
	return r
}

// logQL asks for lines, or for numbers at each step.
func (a asker) logQL(t *testing.T, v view, q target) (r result) {
	t.Helper()
	nanos := func(n int64) string { return strconv.FormatInt(n, 10) }
	expr := v.promQL(t, q.Expr) // variables are put in as they are for Prometheus
	path, form := "/loki/api/v1/query_range", url.Values{"query": {expr}, "start": {nanos(v.from.UnixNano())}, "end": {nanos(v.to.UnixNano())}, "step": {v.step.String()}, "direction": {"backward"}}
	if q.QueryType == "instant" {
		path, form = "/loki/api/v1/query", url.Values{"query": {expr}, "time": {nanos(v.to.UnixNano())}}
	}
	if q.MaxLines > 0 {
		form.Set("limit", strconv.Itoa(q.MaxLines))
	}
	var body struct {
		Data struct {
			ResultType string
			Result     []struct{ Value, Values json.RawMessage }
		}
	}
	if r.err = a.get(t, path, form, &body); r.err != nil {
		return r
	}
	for _, one := range body.Data.Result {
		var n int
		if body.Data.ResultType == "streams" {
			var lines []json.RawMessage
			r.err = json.Unmarshal(one.Values, &lines)
			n = len(lines)
		} else {
			n, r.err = numbers(one.Value, one.Values)
		}
		if r.err != nil {
			return r
		}
		r.rows += n
	}
	return r
}

func (a asker) get(t *testing.T, path string, form url.Values, into any) error {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.api+path+"?"+form.Encode(), nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json")
	body, err := answer(req)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}

// traceQL expands a query as the Tempo data source does.
func (v view) traceQL(t *testing.T, query string) string {
	t.Helper()
	return strings.TrimSpace(v.expand(t, query, func(_ variable, values []string) string { return strings.Join(values, "|") }))
}
