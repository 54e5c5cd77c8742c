package main

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs the program as its users do: every script in testdata/script is a shell
// session with the real binary, a private Postgres and real sockets.
func TestScripts(t *testing.T) {
	excerpt, err := filepath.Abs("../../testdata/trainticket")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			for _, name := range []string{"INGEST", "GRPC", "API"} {
				addr, err := freeAddr()
				if err != nil {
					return err
				}
				e.Setenv(name, addr)
			}
			e.Setenv("TRAINTICKET", excerpt)
			e.Setenv("NO_COLOR", "1")
			// the private Postgres runs as another user when the tests are root's
			return os.Chmod(e.WorkDir, 0o755)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"ready": ready, "field": field, "hangup": hangup, "scrape": scrape, "ask": ask, "send": send, "until": until},
	})
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
