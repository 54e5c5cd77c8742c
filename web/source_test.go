package web

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestBuiltFilesAreThoseOfTheSource compares the sum that the build wrote (sum.ts) with that of the source that is here.
func TestBuiltFilesAreThoseOfTheSource(t *testing.T) {
	t.Parallel()
	files := []string{"index.html", "package-lock.json", "vite.config.ts"}
	for _, tree := range []string{"public", "src"} {
		err := filepath.WalkDir(tree, func(name string, entry fs.DirEntry, err error) error {
			if err == nil && entry.Type().IsRegular() && !strings.HasSuffix(name, ".test.ts") {
				files = append(files, filepath.ToSlash(name))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(files)
	var list strings.Builder
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&list, "%x  %s\n", sha256.Sum256(text), name)
	}
	built, err := os.ReadFile("dist.sha256")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%x", sha256.Sum256([]byte(list.String()))); got != strings.TrimSpace(string(built)) {
		t.Errorf("web/dist was built of other source: run make page, and commit what it builds")
	}
}
