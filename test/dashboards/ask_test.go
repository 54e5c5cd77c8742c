package dashboards

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/dashboards"
)

// asker asks what panels ask, of the four data sources.
type asker struct {
	api      string    // base URL, below which each face has its prefix
	database *pgx.Conn // as the role that Grafana has
}

// result is what a target was answered.
type result struct {
	rows      int // samples that are numbers, rows, lines, traces that were found, or spans of one
	exemplars int
	took      time.Duration
	err       error
	table     []map[string]any // of a statement
}

// ask asks a target as Grafana does.
func (a asker) ask(t *testing.T, v view, q target) (r result) {
	t.Helper()
	began := time.Now()
	switch q.Datasource.Type {
	case dashboards.PostgresType:
		r.table, r.err = a.rows(t, v.sql(t, q.RawSQL))
		r.rows = len(r.table)
	case dashboards.TempoType:
		r = a.traceQL(t, v, q)
	case dashboards.LokiType:
		r = a.logQL(t, v, q)
	default:
		r = a.promQL(t, v, q)
	}
	r.took = time.Since(began)
	return r
}

func (a asker) rows(t *testing.T, statement string) ([]map[string]any, error) {
	t.Helper()
	found, err := a.database.Query(t.Context(), statement)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, pgx.RowToMap)
}

func (a asker) promQL(t *testing.T, v view, q target) (r result) {
	t.Helper()
	expr := v.promQL(t, q.Expr)
	form := url.Values{"query": {expr}, "time": {unix(v.to)}}
	path := "/api/v1/query"
	if q.Range {
		path = "/api/v1/query_range"
		align := func(at time.Time) string { return unix(at.Truncate(v.step)) }
		form = url.Values{"query": {expr}, "start": {align(v.from)}, "end": {align(v.to)}, "step": {strconv.FormatFloat(v.step.Seconds(), 'f', -1, 64)}}
	}
	var data struct {
		Result []struct{ Value, Values json.RawMessage }
	}
	if r.err = a.post(t, path, form, &data); r.err != nil {
		return r
	}
	for _, series := range data.Result {
		n, err := numbers(series.Value, series.Values)
		if err != nil {
			r.err = err
		}
		r.rows += n
	}
	if q.Exemplar {
		var list []struct {
			Exemplars []struct{ Labels map[string]string }
		}
		r.err = a.post(t, "/api/v1/query_exemplars", url.Values{"query": {expr}, "start": {unix(v.from)}, "end": {unix(v.to)}}, &list)
		for _, series := range list {
			for _, e := range series.Exemplars {
				if e.Labels["trace_id"] != "" && e.Labels["span_id"] != "" {
					r.exemplars++
				}
			}
		}
	}
	return r
}

func unix(at time.Time) string {
	return strconv.FormatFloat(float64(at.UnixMilli())/1000, 'f', -1, 64)
}

// numbers counts the samples of a series that a panel can draw.
func numbers(one, many json.RawMessage) (n int, err error) {
	var samples [][2]any
	if len(many) > 0 {
		err = json.Unmarshal(many, &samples)
	} else {
		samples = make([][2]any, 1)
		err = json.Unmarshal(one, &samples[0])
	}
	for _, s := range samples {
		if s[1] != "NaN" {
			n++
		}
	}
	return n, err
}

func (a asker) post(t *testing.T, path string, form url.Values, data any) error {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.api+"/prometheus"+path, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	body, err := answer(req)
	if err != nil {
		return err
	}
	envelope := struct {
		Status string
		Data   any
	}{Data: data}
	if err := json.Unmarshal(body, &envelope); err != nil {
		return err
	}
	if envelope.Status != "success" {
		return fmt.Errorf("status %q", envelope.Status)
	}
	return nil
}

var errEmpty = errors.New("nothing")

// complaint says what is wrong with an answer, or returns nil.
func (r result) complaint(q target) error {
	switch {
	case r.err != nil:
		return r.err
	case r.rows == 0:
		return errEmpty
	case q.Exemplar && r.exemplars == 0:
		return errors.New("no exemplars")
	}
	return nil
}
