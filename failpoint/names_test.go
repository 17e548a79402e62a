package failpoint_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kabarchy/failpoint"
)

// used returns where each point stands in the program's code.
func used(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	set := token.NewFileSet()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != ".." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "failpoint") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			f, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if pkg, ok := f.X.(*ast.Ident); !ok || pkg.Name != "failpoint" {
				return true
			}
			at := set.Position(call.Pos()).String()
			text, ok := call.Args[len(call.Args)-1].(*ast.BasicLit)
			if !ok {
				t.Errorf("%s: a point's name must stand in the code as it is", at)
				return true
			}
			name, err := strconv.Unquote(text.Value)
			if err != nil {
				t.Errorf("%s: %v", at, err)
			}
			out[name] = append(out[name], at)
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestEachPointStandsInTheCodeOnceAndIsListed(t *testing.T) {
	code := used(t)
	for name, at := range code {
		if !slices.Contains(failpoint.Names, name) {
			t.Errorf("%s is not listed; it stands at %s", name, strings.Join(at, ", "))
		}
		if len(at) > 1 {
			t.Errorf("%s is not one point: it stands at %s", name, strings.Join(at, ", "))
		}
	}
	for i, name := range failpoint.Names {
		if len(code[name]) == 0 {
			t.Errorf("%s stands nowhere in the code", name)
		}
		if slices.Contains(failpoint.Names[:i], name) {
			t.Errorf("%s is listed twice", name)
		}
	}
}
