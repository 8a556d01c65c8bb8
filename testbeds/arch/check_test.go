package arch

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
)

const (
	module  = "github.com/dormouse-mqtt/dormouse"
	drawnIn = "testbeds/arch/rules_test.go"
)

// A pkg is one of our packages: its path below the module, and its files
// without the tests.
type pkg struct {
	path  string
	files []*ast.File
}

// matches says whether a pattern names the package.
func matches(pattern, pkg string) bool {
	if pattern == "..." {
		return true
	}
	tree, isTree := strings.CutSuffix(pattern, "/...")
	return pkg == tree || isTree && strings.HasPrefix(pkg, tree+"/")
}

func matchesAny(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, pkg) })
}

// check gives what is wrong with a package, each with its place.
func check(fset *token.FileSet, p pkg) (wrong []string) {
	row := slices.IndexFunc(arrows, func(a arrow) bool { return matches(a.from, p.path) })
	if row < 0 {
		return []string{fmt.Sprintf("%s has no row in the table: say there what it may import (%s)", p.path, drawnIn)}
	}
	isPure := slices.Contains(pure, p.path)
	for _, f := range p.files {
		for _, spec := range f.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			at := fset.Position(spec.Pos())
			if complaint := checkArrow(arrows[row], p.path, name); complaint != "" {
				wrong = append(wrong, fmt.Sprintf("%v: %s", at, complaint))
			}
			if isPure {
				if complaint := checkPureImport(p.path, name); complaint != "" {
					wrong = append(wrong, fmt.Sprintf("%v: %s", at, complaint))
				}
			}
		}
		if isPure {
			wrong = append(wrong, checkPureFile(fset, p.path, f)...)
		}
	}
	return wrong
}

// ours gives the path below the module of one of our packages.
func ours(imported string) (string, bool) {
	if imported == module {
		return ".", true
	}
	return strings.CutPrefix(imported, module+"/")
}

// checkArrow says what is wrong with an import of one of our packages.
func checkArrow(row arrow, from, imported string) string {
	to, own := ours(imported)
	if !own {
		return ""
	}
	for _, top := range tops {
		if matches(top.from, to) && !matchesAny(top.to, from) {
			return fmt.Sprintf("%s imports %s: %s (%s, tops)", from, to, top.why, drawnIn)
		}
	}
	if matchesAny(row.to, to) {
		return ""
	}
	may := "nothing of ours"
	if len(row.to) > 0 {
		may = strings.Join(row.to, ", ")
	}
	return fmt.Sprintf("%s imports %s, but may import %s: %s (%s, row %q)", from, to, may, row.why, drawnIn, row.from)
}

// checkPureImport says what is wrong with an import of a pure package.
func checkPureImport(from, imported string) string {
	if to, own := ours(imported); own {
		if !slices.Contains(pure, to) {
			return fmt.Sprintf("%s is pure and imports %s, which is not (%s, pure)", from, to, drawnIn)
		}
		return ""
	}
	if harmless[imported] {
		return ""
	}
	if first, _, _ := strings.Cut(imported, "/"); strings.Contains(first, ".") || imported == "C" {
		return fmt.Sprintf("%s is pure and imports %s, of which nobody here knows whether it waits (%s, pure)", from, imported, drawnIn)
	}
	for p := imported; p != "."; p = path.Dir(p) {
		if cure, bad := impure[p]; bad {
			return fmt.Sprintf("%s is pure and imports %s: %s (%s, impure)", from, imported, cure, drawnIn)
		}
	}
	return ""
}

// checkPureFile finds clocks, goroutines and unseeded random numbers.
func checkPureFile(fset *token.FileSet, from string, f *ast.File) (wrong []string) {
	complain := func(n ast.Node, format string, args ...any) {
		wrong = append(wrong, fmt.Sprintf("%v: %s is pure and %s (%s, pure)",
			fset.Position(n.Pos()), from, fmt.Sprintf(format, args...), drawnIn))
	}
	watched := map[string]string{} // name in this file to import path
	for _, spec := range f.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		name := path.Base(imported)
		switch imported {
		case "math/rand/v2":
			name = "rand"
		case "time", "math/rand":
		default:
			continue
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		if name == "." {
			complain(spec, "imports %s with a dot, which hides its calls", imported)
		}
		watched[name] = imported
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			complain(n, "starts a goroutine: that is for loops")
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if !ok {
				return true
			}
			switch imported := watched[x.Name]; {
			case imported == "time" && slices.Contains(clock, n.Sel.Name):
				complain(n, "uses time.%s: take the time as an argument", n.Sel.Name)
			case strings.HasPrefix(imported, "math/rand") && isFunction(n.Sel.Name) && !slices.Contains(seeded, n.Sel.Name):
				complain(n, "uses rand.%s of the unseeded source: take a seeded one as an argument", n.Sel.Name)
			}
		}
		return true
	})
	return wrong
}

// isFunction tells the functions of math/rand from its types.
func isFunction(name string) bool {
	return !slices.Contains([]string{"Rand", "Source", "Source64", "PCG", "ChaCha8", "Zipf"}, name)
}
