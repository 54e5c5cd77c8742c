package page

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestBuiltFilesCanBeBuiltAgain builds the page and compares each file with the one in the repository.
func TestBuiltFilesCanBeBuiltAgain(t *testing.T) {
	t.Parallel()
	built := filepath.Join(t.TempDir(), "dist")
	cmd := exec.CommandContext(t.Context(), nodeProgram(t), "node_modules/vite/bin/vite.js", "build", "--outDir", built)
	cmd.Dir = source
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the page: %v\n%s", err, out)
	}
	committed, again := files(t, filepath.Join(source, "dist")), files(t, built)
	for name, text := range again {
		if !bytes.Equal(committed[name], text) {
			t.Errorf("web/dist/%s is not what the source makes: run make page, and commit what it builds", name)
		}
	}
	for name := range committed {
		if _, ok := again[name]; !ok {
			t.Errorf("web/dist/%s is made by nothing in the source: run make page, and commit what it builds", name)
		}
	}
}

func files(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	read := map[string][]byte{}
	tree := os.DirFS(dir)
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			read[name], err = fs.ReadFile(tree, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return read
}
