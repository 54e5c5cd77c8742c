package store_test

import (
	"errors"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// statements returns the SQL statements of a room of the store, by the names of their constants,
// so that tests of plans and of rules look at what is sent.
func statements(t *testing.T, room string) map[string]string {
	t.Helper()
	all, err := allStatements()
	if err != nil {
		t.Fatal(err)
	}
	if len(all[room]) == 0 {
		t.Fatalf("room %s has no statements", room)
	}
	return all[room]
}

// statement returns one of them.
func statement(t *testing.T, room, name string) string {
	t.Helper()
	sql := statements(t, room)[name]
	if sql == "" {
		t.Fatalf("room %s has no statement %s", room, name)
	}
	return sql
}

// allStatements evaluates the constants whose names end in SQL, by room and name.
var allStatements = sync.OnceValues(func() (map[string]map[string]string, error) {
	rooms := make(map[string]map[string]string)
	c := constants{set: token.NewFileSet(), checked: make(map[string]*types.Package)}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		room, err := c.Import(storePath + "/" + path)
		if err != nil {
			return nil // no package
		}
		rooms[path] = make(map[string]string)
		for _, name := range room.Scope().Names() {
			c, ok := room.Scope().Lookup(name).(*types.Const)
			if ok && strings.HasSuffix(name, "SQL") && c.Val().Kind() == constant.String {
				rooms[path][name] = constant.StringVal(c.Val())
			}
		}
		return nil
	})
	return rooms, err
})

const storePath = "github.com/plaithq/plait/store"

// constants imports the rooms of the store as far as their constants go, which need nothing from elsewhere.
type constants struct {
	set     *token.FileSet
	checked map[string]*types.Package
}

// Import parses and checks a room.
func (c *constants) Import(path string) (*types.Package, error) {
	if known := c.checked[path]; known != nil {
		return known, nil
	}
	dir, ours := strings.CutPrefix(path, storePath+"/")
	if !ours {
		return nil, errors.New("not a room of the store")
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(c.set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	if len(files) == 0 {
		return nil, errors.New("no package")
	}
	config := types.Config{Importer: c, Error: func(error) {}}
	c.checked[path], _ = config.Check(path, c.set, files, nil)
	return c.checked[path], nil
}
