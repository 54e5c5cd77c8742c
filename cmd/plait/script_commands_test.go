package main

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/plaithq/plait/test/openmetrics"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"plait": main})
}

// ready waits until the gateway at $API says that it is: ready
func ready(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: ready")
	}
	url := "http://" + ts.Getenv("API") + "/readyz"
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if resp, err := http.Get(url); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
	}
	ts.Fatalf("%s does not answer 200", url)
}

// hangup waits for a connection to an address where nobody listens, and closes it: hangup ADDR
func hangup(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hangup ADDR")
	}
	l, err := net.Listen("tcp", args[0])
	ts.Check(err)
	defer l.Close()
	conn, err := l.Accept()
	ts.Check(err)
	conn.Close()
}

// field puts the first group of a pattern in a file into a variable: field NAME PATTERN FILE
func field(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: field NAME PATTERN FILE")
	}
	text, err := os.ReadFile(ts.MkAbs(args[2]))
	ts.Check(err)
	m := regexp.MustCompile(args[1]).FindSubmatch(text)
	if m == nil {
		ts.Fatalf("%s: nothing fits %s", args[2], args[1])
	}
	ts.Setenv(args[0], string(m[1]))
}

// scrape reads /metrics as a strict scraper of OpenMetrics and as Prometheus does, and looks for a
// line that fits a pattern: scrape PATTERN
func scrape(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: scrape PATTERN")
	}
	request, err := http.NewRequest(http.MethodGet, "http://"+ts.Getenv("API")+"/metrics", nil)
	ts.Check(err)
	request.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
	answer, err := http.DefaultClient.Do(request)
	ts.Check(err)
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	ts.Check(err)
	ts.Check(openmetrics.Check(string(page)))
	parser, err := textparse.New(page, answer.Header.Get("Content-Type"), labels.NewSymbolTable(), textparse.ParserOptions{})
	ts.Check(err)
	for err == nil {
		_, err = parser.Next()
	}
	if !errors.Is(err, io.EOF) {
		ts.Check(err)
	}
	if !regexp.MustCompile("(?m)" + args[0]).Match(page) {
		ts.Fatalf("no line of /metrics fits %s", args[0])
	}
}

// ask gets a path of the API, and looks for what fits a pattern in the answer: ask PATH PATTERN
func ask(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: ask PATH PATTERN")
	}
	answer, err := http.Get("http://" + ts.Getenv("API") + args[0])
	ts.Check(err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	ts.Check(err)
	if answer.StatusCode != http.StatusOK || !regexp.MustCompile(args[1]).Match(body) {
		ts.Fatalf("%s is answered %s: %.1000s", args[0], answer.Status, body)
	}
}

// send posts a file to an address of the gateway as lines of JSON: send ADDRESS FILE
func send(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: send ADDRESS FILE")
	}
	answer, err := http.Post("http://"+args[0], "application/x-ndjson", strings.NewReader(ts.ReadFile(args[1])))
	ts.Check(err)
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusNoContent {
		said, err := io.ReadAll(answer.Body)
		ts.Check(err)
		ts.Fatalf("%s is answered %s: %.1000s", args[0], answer.Status, said)
	}
}

// until waits for what fits a pattern in a file that another program writes: until FILE PATTERN
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: until FILE PATTERN")
	}
	pattern := regexp.MustCompile(args[1])
	var text []byte
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if text, _ = os.ReadFile(ts.MkAbs(args[0])); pattern.Match(text) {
			return
		}
	}
	ts.Fatalf("nothing fits %s in %q", args[1], text)
}
