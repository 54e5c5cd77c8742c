package dashboards

import (
	"encoding/binary"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/storetest"
)

// slowCheckout is an hour of spans of a service, one every two seconds, slow from the minute 40 to 50.
func slowCheckout(from time.Time) *plait.Traces {
	resource := &plait.Resource{Attributes: plait.Attributes{{Key: "service.name", Value: plait.StringValue("checkout")}}}
	traces := &plait.Traces{}
	for second := 0; second < 3600; second += 2 {
		start, took := from.Add(time.Duration(second)*time.Second), 20*time.Millisecond
		if minute := second / 60; minute >= 40 && minute < 50 {
			took = 700 * time.Millisecond
		}
		s := plait.Span{Name: "POST /pay", Kind: plait.SpanKindServer, Resource: resource, Scope: &plait.Scope{}, SpanID: plait.SpanID{7: 1},
			StartNanos: start.UnixNano(), EndNanos: start.Add(took).UnixNano()}
		binary.BigEndian.PutUint64(s.TraceID[8:], uint64(second+1))
		traces.Spans = append(traces.Spans, s)
	}
	return traces
}

// label is what an annotation puts in for a label.
var label = regexp.MustCompile(`\{\{(\w+)\}\}`)

// spikeText is how that of the spike begins, whose durations counts know to a few percent.
var spikeText = regexp.MustCompile(`^checkout: POST /pay<br>p95 7\d0ms, usually 2\dms<br>`)

// hrefs are the addresses in a text.
var hrefs = regexp.MustCompile(`href="([^"]*)"`)

// TestSpikesAreMarkedAndLeadToTheirTraces asks the annotations of the dashboards as Grafana does, and follows what is written of a spike.
func TestSpikesAreMarkedAndLeadToTheirTraces(t *testing.T) {
	t.Parallel()
	g := startGateway(t, buildPlait(t), "serve")
	defer http.DefaultClient.CloseIdleConnections()
	from := time.Now().UTC().Truncate(2 * time.Minute).Add(-time.Hour) // an hour is looked at in steps of two minutes
	if _, err := storetest.Open(t, g.database).WriteTraces(t.Context(), slowCheckout(from)); err != nil {
		t.Fatal(err)
	}
	list, marked := all(t), 0
	for _, d := range list {
		values := chosen(d, "", "checkout")
		values["service"] = []string{"checkout"}
		v := newView(d, time.Hour, values)
		v.from, v.to = from, from.Add(time.Hour)
		for _, n := range d.Annotations.List {
			marked++
			step, err := time.ParseDuration(n.Step)
			if err != nil || !n.Enable || !strings.Contains(n.TagKeys, "kind") {
				t.Errorf("%s: %+v", d.File, n)
			}
			v.step = step
			var data struct {
				Result []struct {
					Metric map[string]string
					Values [][2]any
				}
			}
			form := url.Values{"query": {v.promQL(t, n.Expr)}, "start": {unix(v.from)}, "end": {unix(v.to)}, "step": {strconv.Itoa(int(step.Seconds()))}}
			if err := (asker{api: g.api}).post(t, "/api/v1/query_range", form, &data); err != nil {
				t.Fatal(err)
			}
			if len(data.Result) != 1 || len(data.Result[0].Values) != 10 || data.Result[0].Metric["kind"] != "latency" {
				t.Errorf("%s: %s is answered %+v", d.File, form.Get("query"), data.Result)
				continue
			}
			written := label.ReplaceAllStringFunc(n.TitleFormat+"<br>"+n.TextFormat, func(name string) string {
				value, ok := data.Result[0].Metric[name[2:len(name)-2]]
				if !ok {
					t.Errorf("%s: spikes have no label %s", d.File, name)
				}
				return value
			})
			if !spikeText.MatchString(written) {
				t.Errorf("%s: of a spike is written %q", d.File, written)
			}
			addresses := hrefs.FindAllStringSubmatch(written, -1)
			if len(addresses) != 2 {
				t.Errorf("%s: %d links", d.File, len(addresses))
			}
			for _, address := range addresses {
				leadsTo(t, list, address[1], from.Add(40*time.Minute), from.Add(50*time.Minute))
			}
		}
	}
	if marked != 2 {
		t.Errorf("%d annotations are on dashboards", marked)
	}
}

// leadsTo wants an address to be that of a dashboard, for some time and with variables that it has.
func leadsTo(t *testing.T, list []model, address string, from, to time.Time) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(list, func(m model) bool { return u.Path == "./d/"+m.UID })
	if i < 0 {
		t.Errorf("%s leads to no dashboard", address)
		return
	}
	about := ""
	for name, values := range u.Query() {
		variable, is := strings.CutPrefix(name, "var-")
		switch {
		case is && !list[i].has(variable):
			t.Errorf("%s sets %s, which %s does not have", address, variable, list[i].File)
		case is && values[0] == "checkout":
			about = variable
		}
	}
	millis := func(at time.Time) string { return strconv.FormatInt(at.UnixMilli(), 10) }
	if q := u.Query(); about == "" || q.Get("from") != millis(from) || q.Get("to") != millis(to) {
		t.Errorf("%s leads to another time or service", address)
	}
}
