package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/plaithq/plait/api/facetest"
	"github.com/plaithq/plait/api/prometheus"
	"github.com/plaithq/plait/store"
)

// The sentences of docs/api.md about pivots are held by scripts, files of testdata/pivots. A script
// begins with the sentences that it is about, as comments with "# > ", and has a database to itself.
// Its commands:
//
//	ingest    stores telemetry, see notation
//	settings  max-spans=4 max-logs=4 answer-bytes=1000, before the first question
//	ask       a question and what to show of its answer
//
// A question is a path below /api/v1, or from the root with a slash before it, in which $a1 stands for
// the id of trace a1. Below it are its parameters, name=value, where 10:00:00 is a time of the scripts' day
// and @logs.0.id a field of the answer before. What is shown is "list: fields", a line for each item of a
// list in the answer, or "answer: fields", one line of the answer's own. Ids, times and durations are shown as
// scripts write them, a field that is not there as a dash.
//
// go test ./api -run TestPivots -update writes the answers into the scripts.
func TestPivotsDoWhatTheirPageSays(t *testing.T) {
	t.Parallel()
	if facetest.Updating() {
		if err := flag.Set("rewrite", "true"); err != nil {
			t.Fatal(err)
		}
	}
	page, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	description := readDescription(t)
	files, err := filepath.Glob("testdata/pivots/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			t.Parallel()
			checkSentences(t, path, string(page))
			s := &script{store: emptyStore(t), description: description}
			datadriven.RunTest(t, path, s.run)
		})
	}
}

// checkSentences compares the sentences that a script quotes with the page.
func checkSentences(t *testing.T, path, page string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page = strings.Join(strings.Fields(page), " ")
	quotes := 0
	for line := range strings.Lines(string(text)) {
		quote, ok := strings.CutPrefix(strings.TrimSpace(line), "# > ")
		if !ok {
			continue
		}
		quotes++
		if !strings.Contains(page, strings.Join(strings.Fields(quote), " ")) {
			t.Errorf("docs/api.md does not say what this script is about: %s", quote)
		}
	}
	if quotes == 0 {
		t.Error("the script quotes no sentence of docs/api.md")
	}
}

// script is a script that runs.
type script struct {
	store       *store.Store
	description *description
	settings    Config
	gateway     *gateway
	last        any // answer
}

func (s *script) run(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	switch d.Cmd {
	case "ingest":
		s.ingest(t, d)
	case "settings":
		d.MaybeScanArgs(t, "max-spans", &s.settings.MaxSpans)
		d.MaybeScanArgs(t, "max-logs", &s.settings.MaxLogs)
		d.MaybeScanArgs(t, "answer-bytes", &s.settings.AnswerBytes)
	case "ask":
		return s.ask(t, d)
	default:
		d.Fatalf(t, "there is no command %s", d.Cmd)
	}
	return ""
}

func (s *script) ingest(t *testing.T, d *datadriven.TestData) {
	t.Helper()
	var n notation
	for line := range strings.Lines(d.Input) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		if err := n.read(line); err != nil {
			d.Fatalf(t, "%s: %v", line, err)
		}
	}
	writeSpans(t, s.store, n.traces.Spans...)
	writeLogs(t, s.store, n.logs.Records...)
	if _, err := s.store.WriteMetrics(t.Context(), &n.metrics); err != nil {
		t.Fatal(err)
	}
}

// open starts the gateway, at five minutes after ten.
func (s *script) open(t *testing.T) {
	t.Helper()
	if s.gateway != nil {
		return
	}
	s.gateway = start(t, s.store, func(c *Config, d *Deps) {
		d.About.RetentionTraces = 7 * 24 * time.Hour
		if s.settings.MaxSpans > 0 {
			c.MaxSpans = s.settings.MaxSpans
		}
		if s.settings.MaxLogs > 0 {
			c.MaxLogs = s.settings.MaxLogs
		}
		if s.settings.AnswerBytes > 0 {
			c.AnswerBytes = s.settings.AnswerBytes
		}
		d.Now = func() time.Time { return day.Add(10*time.Hour + 5*time.Minute) }
		d.Faces = []Face{{Prefix: "/prometheus", Handler: prometheus.NewHandler(prometheus.Config{Storage: s.store.Metrics(), Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})}}
	})
}

var (
	projection = regexp.MustCompile(`^([a-z_.]+): *(.*)$`)
	traceName  = regexp.MustCompile(`\$((?:half:)?[0-9a-f]+)`)
	timeOfDay  = regexp.MustCompile(`^\d\d:\d\d:\d\d(\.\d+)?$`)
)

func (s *script) ask(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	s.open(t)
	path, rest, _ := strings.Cut(d.Input, "\n")
	params := url.Values{}
	var shown [][2]string
	for line := range strings.Lines(rest) {
		line = strings.TrimSpace(line)
		if m := projection.FindStringSubmatch(line); m != nil {
			shown = append(shown, [2]string{m[1], m[2]})
		} else if name, value, ok := strings.Cut(line, "="); ok {
			params.Add(name, s.parameter(t, value))
		} else {
			d.Fatalf(t, "neither a parameter nor what to show: %s", line)
		}
	}
	template := path
	if !strings.HasPrefix(path, "/") {
		path = root + "/" + path
		template = traceName.ReplaceAllString(path, "{id}")
	}
	path = s.named(t, path)
	if len(params) > 0 {
		path += "?" + params.Encode()
	}
	resp, body := s.gateway.get(t, path)
	if strings.HasPrefix(template, root) {
		for _, wrong := range s.description.validate(template, resp, body) {
			t.Errorf("%s: %s", d.Pos, wrong)
		}
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&s.last); err != nil {
		d.Fatalf(t, "%s: %v: %s", path, err, body)
	}
	if resp.StatusCode != http.StatusOK {
		return shorten(fmt.Sprintf("%d %v\n", resp.StatusCode, fieldOf(s.last, "detail")))
	}
	return show(s.last, shown)
}

// named puts ids in the place of names of traces.
func (s *script) named(t *testing.T, text string) string {
	t.Helper()
	return traceName.ReplaceAllStringFunc(text, func(name string) string {
		id, err := traceNamed(name[1:])
		if err != nil {
			t.Fatal(name, err)
		}
		return id.String()
	})
}

// parameter is the value of a parameter as it is sent.
func (s *script) parameter(t *testing.T, value string) string {
	t.Helper()
	if path, ok := strings.CutPrefix(value, "@"); ok {
		return fmt.Sprint(fieldOf(s.last, path))
	}
	if timeOfDay.MatchString(value) {
		nanos, err := clockTime(value)
		if err != nil {
			t.Fatal(err)
		}
		return time.Unix(0, nanos).UTC().Format(time.RFC3339Nano)
	}
	return s.named(t, value)
}

// show prints fields of an answer.
func show(answer any, shown [][2]string) string {
	var out strings.Builder
	for _, p := range shown {
		list, isList := fieldOf(answer, p[0]).([]any)
		if p[0] == "answer" {
			list, isList = []any{answer}, true
		}
		if len(shown) > 1 {
			fmt.Fprintf(&out, "%s:\n", p[0])
		}
		if !isList || len(list) == 0 {
			out.WriteString("(none)\n")
		}
		for _, item := range list {
			var row []string
			for name := range strings.FieldsSeq(p[1]) {
				row = append(row, text(name, fieldOf(item, name)))
			}
			if p[1] == "" {
				row = append(row, text("", item))
			}
			out.WriteString(strings.Join(row, " ") + "\n")
		}
	}
	return shorten(out.String())
}

// absent marks a field that is not there; null is nil.
type absent struct{}

// fieldOf finds a value below another: a name for each object, a number for a place in a list; a name
// below a list is that field of all its items.
func fieldOf(of any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		switch in := of.(type) {
		case map[string]any:
			v, ok := in[name]
			if !ok {
				return absent{}
			}
			of = v
		case []any:
			if at, err := strconv.Atoi(name); err == nil {
				if at >= len(in) {
					return absent{}
				}
				of = in[at]
				continue
			}
			all := make([]any, len(in))
			for i := range in {
				all[i] = fieldOf(in[i], name)
			}
			of = all
		default:
			return absent{}
		}
	}
	return of
}

// text prints a value; what is called _ns is a duration.
func text(name string, v any) string {
	switch v := v.(type) {
	case absent:
		return "-"
	case nil:
		return "null"
	case string:
		if v == "" || strings.ContainsAny(v, " \n") {
			return strconv.Quote(v)
		}
		return v
	case json.Number:
		if n, err := v.Int64(); err == nil && strings.HasSuffix(name, "_ns") {
			return time.Duration(n).String()
		}
		return v.String()
	case []any:
		var all []string
		for _, item := range v {
			all = append(all, text(name, item))
		}
		return "[" + strings.Join(all, " ") + "]"
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

var (
	longTime  = regexp.MustCompile(`2026-11-20T(\d\d:\d\d:\d\d)\.(\d{9})Z`)
	longTrace = regexp.MustCompile(`\b[0-9a-f]{32}\b`)
	longSpan  = regexp.MustCompile(`\b[0-9a-f]{16}\b`)
)

// shorten writes ids and times as scripts do.
func shorten(out string) string {
	out = longTime.ReplaceAllStringFunc(out, func(t string) string {
		m := longTime.FindStringSubmatch(t)
		return strings.TrimSuffix(strings.TrimRight(m[1]+"."+m[2], "0"), ".")
	})
	out = longTrace.ReplaceAllStringFunc(out, func(id string) string {
		name := bare(id[16:])
		switch {
		case strings.Trim(id[:16], "0") == "":
			return "half:" + name
		case id[:2] != "00" && id[2:16] == id[18:]:
			number, _ := strconv.ParseUint(id[:2], 16, 8)
			return fmt.Sprintf("%s.%d", name, number)
		}
		return name
	})
	return longSpan.ReplaceAllStringFunc(out, bare)
}

// bare is an id without leading zeros.
func bare(id string) string { return strings.TrimLeft(id, "0") }
