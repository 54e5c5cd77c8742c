package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plaithq/plait/query/logql"
)

// lokiAPI is where the gateway answers LogQL.
const lokiAPI = "/loki/api/v1/"

// categorized is the header by which an answer tells labels, structured metadata and what parsers found apart.
var categorized = http.Header{"X-Loki-Response-Encoding-Flags": {"categorize-labels"}}

// isLogQL says whether what is looked for is a query and not a text: it begins as a selector does, and not as JSON.
func isLogQL(text string) bool {
	rest, ok := strings.CutPrefix(strings.TrimSpace(text), "{")
	return ok && !strings.HasPrefix(strings.TrimSpace(rest), `"`)
}

// validLogQL says what is wrong with a query, and where.
func (c *logsCommand) validLogQL() error {
	e, err := logql.Parse(c.Text)
	if !isLogQL(c.Text) {
		if _, isLog := e.(logql.Log); err == nil && !isLog && strings.Contains(c.Text, "{") {
			return errors.New("this is a metric query, and plait logs prints lines: ask for its selector, as '{service_name=\"cart\"}'")
		}
		return nil
	}
	if err != nil {
		return err
	}
	if c.Trace+c.Span+c.Service+c.Severity != "" || len(c.Attr) > 0 {
		return errors.New(`a LogQL query takes the place of --trace, --span, --service, --severity and --attr: write {service_name="cart"} | detected_level="error" | trace_id="…"`)
	}
	return nil
}

// lokiEntry is a line with its labels, as LogQL's answers have it.
type lokiEntry struct {
	Time     time.Time         `json:"time"`
	Line     string            `json:"line"`
	Stream   map[string]string `json:"labels"`
	Metadata map[string]string `json:"structured_metadata,omitempty"`
	Parsed   map[string]string `json:"parsed,omitempty"`
}

// entryStreams are streams of an answer or a tail's frame.
type entryStreams []struct {
	Stream map[string]string    `json:"stream"`
	Values [][3]json.RawMessage `json:"values"`
}

// entries are those of all streams, in the order of their time.
func (s entryStreams) entries() ([]lokiEntry, error) {
	var all []lokiEntry
	for _, stream := range s {
		for _, v := range stream.Values {
			e := lokiEntry{Stream: stream.Stream}
			var nanos string
			var labels struct {
				Metadata map[string]string `json:"structuredMetadata"`
				Parsed   map[string]string `json:"parsed"`
			}
			err := errors.Join(json.Unmarshal(v[0], &nanos), json.Unmarshal(v[1], &e.Line))
			if v[2] != nil {
				err = errors.Join(err, json.Unmarshal(v[2], &labels))
			}
			at, notNumber := strconv.ParseInt(nanos, 10, 64)
			if err = errors.Join(err, notNumber); err != nil {
				return nil, fmt.Errorf("read the gateway's answer: %w", err)
			}
			e.Time, e.Metadata, e.Parsed = time.Unix(0, at).UTC(), labels.Metadata, labels.Parsed
			all = append(all, e)
		}
	}
	slices.SortStableFunc(all, func(a, b lokiEntry) int { return a.Time.Compare(b.Time) })
	return all, nil
}

// runLogQL prints the newest lines of a query, oldest first.
func (c *logsCommand) runLogQL(ctx context.Context, std console) error {
	if c.Follow {
		return c.tail(ctx, std)
	}
	all, err := c.searchLogQL(ctx, c.Limit)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return c.tellNothing(ctx, std, "log record", "")
	}
	return c.printEntries(std.out, all)
}

// searchLogQL asks for answer after answer, each of what is before the last one, until there are enough lines or no more.
func (c *logsCommand) searchLogQL(ctx context.Context, limit int) ([]lokiEntry, error) {
	from, until := time.Unix(0, 1), c.Until.at
	if !c.Since.at.IsZero() {
		from = c.Since.at
	}
	if until.IsZero() {
		until = time.Now().Add(24 * time.Hour) // clocks differ
	}
	var all []lokiEntry
	for {
		query := url.Values{
			"query": {c.Text}, "start": {strconv.FormatInt(from.UnixNano(), 10)}, "end": {strconv.FormatInt(until.UnixNano(), 10)},
			"limit": {strconv.Itoa(min(limit-len(all)+oldest(all), logsAtOnce))}, "direction": {"backward"},
		}
		page, more, err := c.fetchEntries(ctx, query)
		if err != nil {
			return nil, err
		}
		if len(page) == 0 {
			return all, nil
		}
		begin := page[0].Time
		fresh := unseen(page, all)
		all = append(fresh, all...)
		if len(all) >= limit {
			return all[len(all)-limit:], nil
		}
		if !more {
			return all, nil
		}
		// The next answer begins with the oldest time again, where more may be.
		if next := begin.Add(1); next.Before(until) {
			until = next
		} else {
			until = begin
		}
	}
}

// oldest is how many of some entries are of the time that the first one has: the next answer repeats them.
func oldest(all []lokiEntry) (n int) {
	for n < len(all) && all[n].Time.Equal(all[0].Time) {
		n++
	}
	return n
}

// unseen are the entries of an answer that do not repeat the oldest of those before.
func unseen(page, all []lokiEntry) []lokiEntry {
	seen := map[string]int{}
	for i := range all[:oldest(all)] {
		seen[all[i].key()]++
	}
	return slices.DeleteFunc(page, func(e lokiEntry) bool {
		key := e.key()
		seen[key]--
		return seen[key] >= 0
	})
}

// key is all of an entry.
func (e *lokiEntry) key() string {
	text, _ := json.Marshal(e) // maps of texts always have JSON
	return string(text)
}

// fetchEntries asks once, and says whether there may be more.
func (c apiClient) fetchEntries(ctx context.Context, query url.Values) (all []lokiEntry, more bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, string(c.API)+lokiAPI+"query_range?"+query.Encode(), nil)
	if err != nil {
		return nil, false, fmt.Errorf("address of the gateway: %w", err)
	}
	req.Header = categorized
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, false, fmt.Errorf("no answer from the gateway (is 'plait serve' running? --api says where): %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, false, readText(resp)
	}
	var answer struct {
		Data struct {
			Result entryStreams `json:"result"`
		} `json:"data"`
		Warnings []string `json:"warnings"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return nil, false, fmt.Errorf("read the gateway's answer: %w", err)
	}
	all, err = answer.Data.Result.entries()
	return all, strconv.Itoa(len(all)) == query.Get("limit") || len(answer.Warnings) > 0, err
}

// readText reads a failure as Loki's API tells it.
func readText(resp *http.Response) error {
	said, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	if err != nil {
		return fmt.Errorf("read the gateway's answer: %w", err)
	}
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain") || resp.StatusCode == http.StatusNotFound {
		return fmt.Errorf("%s answered %s, which is not how the API of a gateway answers: --api names the address of 'plait serve --api-addr', %s by default",
			resp.Request.URL.Host, resp.Status, "http://127.0.0.1:7080")
	}
	return fmt.Errorf("the gateway answered: %s", strings.TrimSpace(string(said)))
}

// hidden is what of the metadata a terminal shows elsewhere.
var hidden = []string{"detected_level", "severity_text", "severity_number", "trace_id", "span_id"}

func (c *logsCommand) printEntries(w io.Writer, all []lokiEntry) error {
	paint := newPainter(w)
	for i := range all {
		if err := c.printEntry(w, paint, &all[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c *logsCommand) printEntry(w io.Writer, paint painter, e *lokiEntry) error {
	if c.JSON {
		return printJSON(w, e)
	}
	level := cmp.Or(e.Parsed["detected_level"], e.Metadata["detected_level"])
	line := fmt.Sprintf("%s %s %s %s", paint.faint(e.Time.Local().Format("2006-01-02 15:04:05.000")),
		paint.severity(level, fmt.Sprintf("%-5s", plain(level))), paint.cyan(plain(e.Stream["service_name"])), strings.Join(strings.Fields(plain(e.Line)), " "))
	var pairs []string
	for _, labels := range []map[string]string{e.Parsed, e.Metadata} {
		for _, name := range slices.Sorted(maps.Keys(labels)) {
			if !slices.Contains(hidden, name) {
				pairs = append(pairs, plain(name)+"="+shownText(labels[name]))
			}
		}
	}
	if len(pairs) > 0 {
		line += " " + paint.faint(strings.Join(pairs, " "))
	}
	if id := e.Metadata["trace_id"]; id != "" {
		line += paint.faint(" trace=" + plain(id))
	}
	_, err := fmt.Fprintln(w, line)
	return err
}
