package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	standardInput = "-"
	unknownSize   = -1
	namesShown    = 10 // of files that were skipped
)

// Suffixes are those of the files in a directory that are imported.
var Suffixes = []string{".json", ".jsonl", ".ndjson", ".pb", ".binpb"}

// Source is a file to import.
type Source struct {
	Name  string    // for messages
	found bool      // in a directory, not named by the user
	size  int64     // unknownSize for what is no regular file
	in    io.Reader // standard input, else nil
}

// Find looks at the arguments: files, directories, whose telemetry files it finds, and
// "-" for standard input. It tells of the files that it leaves out.
func Find(args []string, stdin io.Reader, tell func(line string)) ([]Source, error) {
	var out []Source
	for i, arg := range args {
		if arg == standardInput {
			if slices.Contains(args[:i], standardInput) {
				return nil, errors.New("standard input (-) can be read only once")
			}
			out = append(out, Source{Name: "standard input", size: unknownSize, in: stdin})
			continue
		}
		info, err := os.Stat(arg)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			out = append(out, sourceOf(arg, info))
			continue
		}
		found, err := findInDir(arg, tell)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

func sourceOf(name string, info fs.FileInfo) Source {
	if !info.Mode().IsRegular() {
		return Source{Name: name, size: unknownSize}
	}
	return Source{Name: name, size: info.Size()}
}

// findInDir finds the telemetry files in a directory and those below it, sorted by name. Links
// to files count, links to directories do not.
func findInDir(dir string, tell func(line string)) ([]Source, error) {
	var found []Source
	var skipped []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := filepath.Join(dir, filepath.FromSlash(path))
		switch {
		case entry.IsDir() && path != "." && strings.HasPrefix(entry.Name(), "."):
			skipped = append(skipped, path+"/")
			return fs.SkipDir
		case entry.IsDir():
			return nil
		case !isTelemetryName(entry.Name()):
			skipped = append(skipped, path)
			return nil
		}
		info, err := os.Stat(name)
		if err != nil || !info.Mode().IsRegular() {
			skipped = append(skipped, path)
			return nil //nolint:nilerr // such as a link to nowhere
		}
		found = append(found, Source{Name: name, found: true, size: info.Size()})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for telemetry files: %w", err)
	}
	endings := strings.Join(Suffixes, ", ") + ", with or without .gz or .zst"
	if len(found) == 0 {
		return nil, fmt.Errorf("%s holds no telemetry files, whose names end in %s", dir, endings)
	}
	if n := len(skipped); n > 0 {
		names := strings.Join(skipped[:min(n, namesShown)], ", ")
		if n > namesShown {
			names += fmt.Sprintf(" and %d more", n-namesShown)
		}
		tell(fmt.Sprintf("%s: skipped %s: telemetry files are those whose names end in %s", dir, names, endings))
	}
	return found, nil
}

func isTelemetryName(name string) bool {
	name = strings.ToLower(name)
	if strings.HasPrefix(name, ".") {
		return false
	}
	for _, compressed := range []string{".gz", ".zst"} {
		name = strings.TrimSuffix(name, compressed)
	}
	return slices.Contains(Suffixes, filepath.Ext(name))
}

// Rereadable says whether the source can be read more than once.
func (s Source) Rereadable() bool { return s.size != unknownSize }

// totalSize is how many bytes the sources have, unknownSize if one does not say.
func totalSize(sources []Source) int64 {
	var total int64
	for _, s := range sources {
		if s.size == unknownSize {
			return unknownSize
		}
		total += s.size
	}
	return total
}

// open opens the source for reading until ctx ends.
func (s Source) open(ctx context.Context) (io.ReadCloser, error) {
	if s.in != nil {
		return readUntil(ctx, s.in), nil
	}
	f, err := os.Open(s.Name)
	if err != nil {
		return nil, err
	}
	if s.size == unknownSize {
		return readUntil(ctx, f), nil
	}
	return f, nil
}

// readUntil reads from what may have nothing to give for a long time, such as a pipe. A read
// under way cannot be ended; it is left behind when ctx ends.
func readUntil(ctx context.Context, from io.Reader) io.ReadCloser {
	r, w := io.Pipe()
	go func() {
		_, err := io.Copy(w, from)
		w.CloseWithError(err)
	}()
	context.AfterFunc(ctx, func() { r.CloseWithError(context.Cause(ctx)) })
	return r
}
