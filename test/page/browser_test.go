package page

import (
	"flag"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// source is where the page's source is.
const source = "../../web"

var chosen = flag.String("tests", "*", "which files of web/test/browser to run, without their .test.mjs")

// TestInTheBrowser starts a gateway with the shop, one for telemetry that tests make, and one that never
// got any, and runs all that is done and seen in a browser.
func TestInTheBrowser(t *testing.T) {
	t.Parallel()
	node := nodeProgram(t)
	pattern := filepath.Join(source, "test/browser", *chosen+".test.mjs")
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no tests %s: %v", pattern, err)
	}
	binary := buildPlait(t)
	gateways := map[string]gateway{
		"demo":  startGateway(t, binary, "demo"),
		"made":  startGateway(t, binary, "serve", "--limits", "[{service: limited-till, max-spans-per-second: 1}]"),
		"first": startGateway(t, binary, "serve"),
	}
	arguments := []string{"--test", "--test-concurrency=2", "--test-reporter=spec"}
	for _, file := range files {
		name, err := filepath.Rel(source, file)
		if err != nil {
			t.Fatal(err)
		}
		arguments = append(arguments, name)
	}
	cmd := exec.CommandContext(t.Context(), node, arguments...)
	cmd.Dir = source
	cmd.Env = os.Environ()
	for name, g := range gateways {
		g.awaitReady(t)
		cmd.Env = append(cmd.Env, g.environment(name)...)
	}
	gateways["demo"].awaitTelemetry(t)
	http.DefaultClient.CloseIdleConnections()
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Run(); err != nil {
		t.Errorf("tests in the browser: %v", err)
	}
}

// nodeProgram is the Node that came with the page's packages, or else the system's.
func nodeProgram(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat(filepath.Join(source, "node_modules")); err != nil {
		t.Fatalf("the page's packages are not here, run scripts/page-tools.sh: %v", err)
	}
	program, err := filepath.Abs(filepath.Join(source, "node_modules/.bin/node"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err == nil {
		return program
	}
	program, err = exec.LookPath("node")
	if err != nil {
		t.Fatalf("there is no Node, run scripts/page-tools.sh: %v", err)
	}
	return program
}
