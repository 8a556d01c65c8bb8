// Package arch is the picture of docs/architecture.md as a test: which package
// may import which, and which packages only decide and never wait. Tests may
// import more; files for other systems count too.
package arch

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestArrows(t *testing.T) {
	fset := token.NewFileSet()
	packages := load(t, fset)
	found := 0
	for _, p := range packages {
		for _, complaint := range check(fset, p) {
			t.Error(complaint)
		}
		if slices.Contains(pure, p.path) {
			found++
		}
	}
	require.Greater(t, found, 10, "pure packages found; were they moved without their rows?")
}

// load reads our packages, without their tests.
func load(t *testing.T, fset *token.FileSet) (packages []pkg) {
	look(t)
	cmd := exec.Command("go", "list", "-json=Dir,Name,ImportPath,GoFiles,CgoFiles,IgnoredGoFiles", module+"/...")
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	for dec := json.NewDecoder(out); ; {
		var l struct {
			Dir, Name, ImportPath             string
			GoFiles, CgoFiles, IgnoredGoFiles []string
		}
		if err := dec.Decode(&l); errors.Is(err, io.EOF) {
			break
		} else {
			require.NoError(t, err)
		}
		p := pkg{}
		p.path, _ = ours(l.ImportPath)
		for _, name := range slices.Concat(l.GoFiles, l.CgoFiles, l.IgnoredGoFiles) {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(fset, filepath.Join(l.Dir, name), nil, parser.SkipObjectResolution)
			require.NoError(t, err)
			if f.Name.Name == l.Name || l.Name == "" { // not a generator beside the package
				p.files = append(p.files, f)
			}
		}
		packages = append(packages, p)
	}
	require.NoError(t, cmd.Wait())
	return packages
}

// look reads the module's folders, so that go test, which may answer from its
// cache, knows that a new file or package makes a difference.
func look(t *testing.T) {
	root := filepath.Join("..", "..")
	require.NoError(t, filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && p != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "bin") {
			return filepath.SkipDir
		}
		return err
	}))
}

// TestCheckComplains breaks each rule on purpose.
func TestCheckComplains(t *testing.T) {
	for _, tt := range []struct {
		name, path, source string
		want               string // part of the one complaint; empty: none
	}{
		{"arrow as drawn", "broker/core", `import _ "github.com/dormouse-mqtt/dormouse/broker/session"`, ""},
		{"tree", "broker/admin", `import _ "github.com/dormouse-mqtt/dormouse/broker/mqtt"`, ""},
		{"cmd may all", "cmd/dormouse", `import _ "github.com/dormouse-mqtt/dormouse/gateway"`, ""},
		{"leaf", "broker/deadline", `import _ "github.com/dormouse-mqtt/dormouse/broker/mqtt"`,
			`broker/deadline imports broker/mqtt, but may import broker/pages: a leaf but for its pages (testbeds/arch/rules_test.go, row "broker/deadline")`},
		{"broker and gateway", "broker", `import _ "github.com/dormouse-mqtt/dormouse/gateway"`,
			"never import each other"},
		{"gateway and broker", "gateway", `import _ "github.com/dormouse-mqtt/dormouse/broker"`,
			"never import each other"},
		{"loop knows no core", "broker/loop", `import _ "github.com/dormouse-mqtt/dormouse/broker/core"`,
			"a loop runs any machine"},
		{"world has no loop", "testbeds/world", `import _ "github.com/dormouse-mqtt/dormouse/broker/loop"`,
			"virtual time: never a loop"},
		{"a name that begins alike", "radiology", ``, "radiology has no row"},
		{"nobody uses testbeds", "broker/metrics", `import _ "github.com/dormouse-mqtt/dormouse/testbeds/demo"`,
			"does not depend on its tests"},

		{"pure: fine", "broker/shard", "import (\n\"math/rand/v2\"\n\"net/netip\"\n\"sync/atomic\"\n\"time\"\n)\n" +
			"var r = rand.New(rand.NewPCG(1, 2)); var a netip.Addr; var n atomic.Int64; const d = time.Second", ""},
		{"pure: net", "mqttsn", `import _ "net"`, "mqttsn is pure and imports net: a loop opens sockets"},
		{"pure: below net", "mqttsn", `import _ "net/http"`, "mqttsn is pure and imports net/http"},
		{"pure: os", "mqttsn", `import _ "os"`, "imports os"},
		{"pure: sync", "mqttsn", `import _ "sync"`, "imports sync: one goroutine owns a core"},
		{"pure: context", "mqttsn", `import _ "context"`, "imports context"},
		{"pure: slog", "mqttsn", `import _ "log/slog"`, "imports log/slog: leave a Note"},
		{"pure: others' code", "mqttsn", `import _ "golang.org/x/sys/unix"`, "imports golang.org/x/sys/unix"},
		{"pure: clock", "mqttsn", "import \"time\"\nvar t = time.Now()", "mqttsn is pure and uses time.Now"},
		{"pure: clock as a value", "mqttsn", "import clock \"time\"\nvar f = clock.Since", "uses time.Since"},
		{"pure: timer", "mqttsn", "import \"time\"\nvar t = time.NewTimer(1)", "uses time.NewTimer"},
		{"pure: dot", "mqttsn", "import . \"time\"", "imports time with a dot"},
		{"pure: goroutine", "mqttsn", "func f() { go f() }", "starts a goroutine"},
		{"pure: unseeded", "mqttsn", "import \"math/rand/v2\"\nvar n = rand.IntN(6)", "uses rand.IntN"},
		{"pure: seeded, and types", "mqttsn", "import \"math/rand/v2\"\nfunc f(r *rand.Rand) int { return r.IntN(6) }", ""},
		{"not pure: may", "broker/loop", "import \"time\"\nfunc f() { go f(); time.Sleep(1) }", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fset := token.NewFileSet()
			f, err := parser.ParseFile(fset, "x.go", "package x\n"+tt.source, parser.SkipObjectResolution)
			require.NoError(t, err)
			got := check(fset, pkg{tt.path, []*ast.File{f}})
			if tt.want == "" {
				require.Empty(t, got)
				return
			}
			require.Len(t, got, 1)
			require.Contains(t, got[0], tt.want)
		})
	}
}

// Purity is closed: a core that calls what waits does wait. And a package that
// is called pure has a row.
func TestPureImportsOnlyPure(t *testing.T) {
	complaint := checkPureImport("broker/core", module+"/broker/store/memory")
	require.Contains(t, complaint, "broker/core is pure and imports broker/store/memory, which is not")
	for _, p := range pure {
		require.True(t, slices.ContainsFunc(arrows, func(a arrow) bool { return matches(a.from, p) }), "%s has no row", p)
	}
}
