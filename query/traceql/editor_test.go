package traceql_test

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/plaithq/plait/query/traceql"
)

// testdata/README.md tells what the verdicts are.
func TestVerdictsBesideThoseOfTheEditorStay(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile("testdata/editor.txt")
	if err != nil {
		t.Fatal(err)
	}
	for row := range strings.Lines(string(table)) {
		columns := strings.SplitN(strings.TrimSpace(row), " ", 3)
		text, err := strconv.Unquote(columns[2])
		if err != nil {
			t.Fatalf("%s: %v", row, err)
		}
		_, err = traceql.Parse(text)
		if (err == nil) != (columns[1] == "accept") {
			t.Errorf("%s: the editor says %s, want %s, got %v", text, columns[0], columns[1], err)
		}
	}
}
