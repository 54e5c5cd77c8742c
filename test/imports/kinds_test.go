package imports

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// kindsInTexts lists the calls of fmt.Errorf and errors.Join that are given one of the kinds of package plait, whose name
// would then stand in the text: plait.Errorf and plait.OfKind put it beside.
func kindsInTexts(files *token.FileSet, f *ast.File) (found []string) {
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || !isOf(call.Fun, "fmt", "Errorf") && !isOf(call.Fun, "errors", "Join") {
			return true
		}
		for _, arg := range call.Args {
			if isOf(arg, "plait", "Err") || f.Name.Name == "plait" && isOf(arg, "", "Err") {
				found = append(found, fmt.Sprint(files.Position(call.Pos())))
			}
		}
		return true
	})
	return found
}

// isOf says whether an expression is a name of a package that begins so; the package is empty for the file's own.
func isOf(e ast.Expr, pkg, prefix string) bool {
	if name, ok := e.(*ast.Ident); ok {
		return pkg == "" && strings.HasPrefix(name.Name, prefix)
	}
	selected, ok := e.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	from, ok := selected.X.(*ast.Ident)
	return ok && from.Name == pkg && strings.HasPrefix(selected.Sel.Name, prefix)
}

func TestKindsOfErrorsStandBesideTheirTexts(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.Dir}}", module+"/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	files := token.NewFileSet()
	for _, dir := range strings.Fields(string(out)) {
		names, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(files, name, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, place := range kindsInTexts(files, f) {
				t.Errorf("%s: make this error by plait.Errorf or plait.OfKind", place)
			}
		}
	}
}

func TestAKindInATextIsFoundOut(t *testing.T) {
	for text, want := range map[string]int{
		`fmt.Errorf("a: %w", plait.ErrInvalid)`:                 1,
		`errors.Join(plait.ErrUnavailable, err)`:                1,
		`fmt.Errorf("a: %w", errors.Join(err, plait.ErrOther))`: 1,
		`fmt.Errorf("a: %w", err)`:                              0,
		`plait.Errorf(plait.ErrInvalid, "a: %w", err)`:          0,
	} {
		files := token.NewFileSet()
		f, err := parser.ParseFile(files, "", "package a\nvar _ = "+text, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := kindsInTexts(files, f); len(got) != want {
			t.Errorf("%s: %q, want %d", text, got, want)
		}
	}
}
