package localpg

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakePrograms makes a directory whose postgres says that it is of some version.
func fakePrograms(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\necho 'postgres (PostgreSQL) %s'\n", version)
	for _, name := range []string{"postgres", "initdb"} {
		check(t, os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755))
	}
	return dir
}

// The real places are part of the search, so these versions are newer than any real one.
func TestProgramsOfTheDataGoBeforeTheNewest(t *testing.T) {
	older, newer := fakePrograms(t, "97.2 (Debian 97.2-1)"), fakePrograms(t, "98beta1")
	t.Setenv("PATH", older+":relative:"+newer)
	for _, tt := range []struct {
		wanted int
		dir    string
	}{{0, newer}, {97, older}, {98, newer}} {
		p, err := findPrograms(t.Context(), "", tt.wanted)
		check(t, err)
		if p.dir != tt.dir {
			t.Errorf("wanted %d, found %d in %s", tt.wanted, p.major, p.dir)
		}
	}
}

func TestMissingProgramsAreExplained(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		binDir string
		wanted int
		says   []string
	}{
		"none":                             {t.TempDir(), 0, []string{"none were found", "install", "--database-url"}},
		"old":                              {fakePrograms(t, "14.9"), 0, []string{"Postgres 15 or newer", "found: 14 in"}},
		"of another version than the data": {fakePrograms(t, "16.1"), 15, []string{"made by Postgres 15", "found: 16 in"}},
		"not Postgres":                     {fakePrograms(t, "of the sea"), 0, []string{"none were found"}},
	} {
		_, err := findPrograms(t.Context(), tt.binDir, tt.wanted)
		for _, says := range tt.says {
			if err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: the error does not say %q: %v", name, says, err)
			}
		}
	}
}

func TestDirectoryThatIsNoClusterIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	check(t, os.Mkdir(filepath.Join(dir, "pg"), 0o700))
	if _, err := Start(t.Context(), Config{DataDir: dir}); err == nil || !strings.Contains(err.Error(), "not a Postgres cluster") {
		t.Errorf("the error is %v", err)
	}
}
