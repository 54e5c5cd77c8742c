package main

import (
	"net"
	"net/http"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
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
