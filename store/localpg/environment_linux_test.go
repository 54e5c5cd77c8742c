package localpg

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestServerGivesMemoryBack(t *testing.T) {
	t.Parallel()
	s := startHere(t, Config{DataDir: t.TempDir()})
	environment, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", s.pm.pid))
	check(t, err)
	variables := strings.Split(string(environment), "\x00")
	for _, want := range []string{"MALLOC_MMAP_THRESHOLD_=1048576", "MALLOC_TRIM_THRESHOLD_=2097152"} {
		if !slices.Contains(variables, want) {
			t.Errorf("the server's environment is %q, without %s", variables, want)
		}
	}
}

func TestServerCompressesByWhatItWasBuiltWith(t *testing.T) {
	t.Parallel()
	s := startHere(t, Config{DataDir: t.TempDir(), BinDir: os.Getenv("PLAIT_TEST_POSTGRES_BIN")})
	want := "pglz"
	if ask(t, s, `SELECT ('lz4' = ANY (enumvals))::text FROM pg_settings WHERE name = 'default_toast_compression'`) == "true" {
		want = "lz4"
	}
	for _, name := range []string{"default_toast_compression", "wal_compression"} {
		if got := ask(t, s, `SELECT current_setting('`+name+`')`); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}
