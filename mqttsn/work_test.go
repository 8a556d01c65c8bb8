package mqttsn

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWorkIsLinear counts the steps of the codec where they are written: the
// functions here loop once over their text, do it on their way to an error
// message, or loop at start; no other function loops, and none calls itself.
// What the standard library does with a text is linear as well.
func TestWorkIsLinear(t *testing.T) {
	loops := map[string]int{"wellPlaced": 1, "fault": 1}
	found := map[string]int{}
	walkFunctions(t, func(name string, f *ast.FuncDecl) {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ForStmt, *ast.RangeStmt:
				found[name]++
			case *ast.CallExpr:
				if called, ok := n.Fun.(*ast.Ident); ok {
					require.NotEqual(t, name, called.Name, "recursion")
				}
			}
			return true
		})
	})
	require.Equal(t, loops, found)
}

func walkFunctions(t *testing.T, visit func(name string, f *ast.FuncDecl)) {
	names, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				visit(f.Name.Name, f)
			}
		}
	}
}
