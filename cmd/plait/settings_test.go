package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "rewrite the table of settings in docs/operations.md")

// TestSettingsAreDocumented compares docs/operations.md with the flags.
func TestSettingsAreDocumented(t *testing.T) {
	var cli struct {
		Serve serveCommand `cmd:""`
	}
	parser, err := kong.New(&cli, kong.DefaultEnvars("PLAIT"), defaults())
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	table.WriteString("| flag and key | default | what |\n| --- | --- | --- |\n")
	for _, f := range parser.Model.Children[0].Flags {
		if f.Name == "help" || f.Name == "print-config" {
			continue
		}
		value := f.Default
		if value == "" {
			value = "none"
		}
		fmt.Fprintf(&table, "| `--%s` | `%s` | %s |\n", f.Name, value, strings.ReplaceAll(f.Help, "|", "\\|"))
	}
	const page, begin, end = "../../docs/operations.md", "<!-- settings -->\n", "<!-- end of settings -->"
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(b), begin)
	written, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no %q and %q", page, begin, end)
	}
	if written == table.String() {
		return
	}
	if !*update {
		t.Fatalf("the table of settings in %s is not that of the flags: run this test with -update", page)
	}
	if err := os.WriteFile(page, []byte(before+begin+table.String()+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestEachSettingIsPrintedWithItsDefault compares --print-config with the flags.
func TestEachSettingIsPrintedWithItsDefault(t *testing.T) {
	var out, errs strings.Builder
	if code := run(t.Context(), []string{"serve", "--print-config"}, console{out: &out, err: &errs}); code != 0 {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	var printed map[string]any
	if err := yaml.Unmarshal([]byte(out.String()), &printed); err != nil {
		t.Fatal(err)
	}
	var cli struct {
		Serve serveCommand `cmd:""`
	}
	parser, err := kong.New(&cli, kong.DefaultEnvars("PLAIT"), defaults())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range parser.Model.Children[0].Flags {
		if slices.Contains(notSettings, f.Name) || f.Name == "data-dir" { // a path, which is printed whole
			delete(printed, f.Name)
			continue
		}
		value, there := printed[f.Name]
		want := f.Default
		if list, ok := value.([]any); ok && len(list) == 0 {
			value = ""
		}
		if got := fmt.Sprint(value); !there || got != want {
			t.Errorf("%s is printed as %q: %v, its default is %q", f.Name, got, there, want)
		}
		delete(printed, f.Name)
	}
	if len(printed) > 0 {
		t.Errorf("printed are %v, which are no flags", printed)
	}
}

// TestSettingsOfThePageAreValid: what docs/operations.md shows can be put into a file of settings.
func TestSettingsOfThePageAreValid(t *testing.T) {
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(page, -1)
	if len(examples) < 3 {
		t.Errorf("%d examples", len(examples))
	}
	for _, e := range examples {
		file := filepath.Join(t.TempDir(), "plait.yaml")
		if err := os.WriteFile(file, e[1], 0o600); err != nil {
			t.Fatal(err)
		}
		var out, errs strings.Builder
		if code := run(t.Context(), []string{"serve", "--print-config", "--config", file}, console{out: &out, err: &errs}); code != 0 {
			t.Errorf("exit %d, %s, of\n%s", code, errs.String(), e[1])
		}
	}
}

func TestSettingsThatCannotWorkNameTheirFlag(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"--max-body 40MiB", "--max-in-flight: 67108864 bytes cannot hold one request of 41943040 bytes"},
		{"--max-body 1KiB", "--max-body: 1024 bytes are less than 65536"},
		{"--max-in-flight 0", "--max-in-flight: 0 bytes cannot hold"},
		{"--max-connections 0", "--max-connections: 0 is not more than 0"},
		{"--query-timeout 0s", "--query-timeout: 0 is not more than 0"},
		{"--grace 0s", "--grace: 0 is not more than 0"},
		{"--max-series 0", "--max-series: 0 is not more than 0"},
		{"--cors-allowed-origins shop.example", `--cors-allowed-origins: "shop.example" is not an origin`},
		{"--allowed-hosts http://shop.example", `--allowed-hosts: "http://shop.example" is not a host name`},
		{"--external-url plait.example", `--external-url: "plait.example" is not like https://plait.example.com`},
		{"--grafana-url javascript:alert(1)", `--grafana-url: "javascript:alert(1)" is not like https://grafana.example`},
		{"--database-url mysql://me:hush@db/x", "--database-url: neither a URL"},
		{"--database-url postgres://me:hush@db:port/x", "--database-url: neither a URL"},
	} {
		var out, errs strings.Builder
		code := run(t.Context(), append([]string{"serve", "--print-config"}, strings.Fields(c.args)...), console{out: &out, err: &errs})
		if code != 2 || !strings.Contains(errs.String(), c.want) || strings.Contains(errs.String()+out.String(), "hush") {
			t.Errorf("%s: exit %d, %s", c.args, code, errs.String())
		}
	}
}
