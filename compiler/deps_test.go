package compiler_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/cnnc-dev/cnnc/"

// mayImport says which packages may import which, beside the standard library;
// folders are relative to the module, "runtime/..." is runtime and all below it,
// "..." is everything.
// What is not listed is forbidden, so that a new edge, or a new package, is a
// decision that shows in review.
var mayImport = map[string][]string{
	"dsl/diag":    {},
	"dsl":         {"dsl/diag", "github.com/alecthomas/participle/v2/..."},
	"specs":       {"dsl"},
	"dsl/dsltest": {"dsl", "dsl/diag", "golang.org/x/tools/txtar", "github.com/google/go-cmp/cmp"},

	"compiler/shape":     {},
	"compiler/ir":        {"compiler/shape", "dsl/diag"},
	"compiler/elaborate": {"compiler/ir", "compiler/shape", "dsl", "dsl/diag"},
	"compiler/pass":      {"compiler/ir", "dsl/diag"},
	"compiler/passes":    {"compiler/ir", "compiler/pass", "compiler/shape"},
	"compiler/interp":    {"compiler/ir", "compiler/shape", "runtime/ref"},
	// The waist: it speaks the runtime's language, and takes nothing else of it.
	"compiler/plan":               {"compiler/ir", "compiler/shape", "dsl/diag", "runtime"},
	"compiler/exec":               {"compiler/plan", "compiler/shape", "runtime"},
	"compiler/roofline":           {"compiler/plan", "compiler/shape", "runtime"},
	"compiler/verify":             {"compiler/exec", "compiler/ir", "compiler/plan", "compiler/shape", "runtime"},
	"compiler/verify/verifytest":  {"compiler", "compiler/elaborate", "compiler/verify", "specs"},
	"compiler/internal/graphtest": {"compiler/interp", "compiler/ir", "compiler/shape", "dsl/diag"},
	"compiler/onnx":               {"compiler/ir", "compiler/shape", "runtime", "compiler/onnx/internal/pb", "google.golang.org/protobuf/proto"},
	"compiler/onnx/internal/pb":   {"google.golang.org/protobuf/..."},
	"compiler":                    {"compiler/elaborate", "compiler/ir", "compiler/pass", "compiler/passes", "compiler/plan", "dsl/diag"},

	"codegen/names": {},
	"codegen":       {"codegen/names", "compiler/ir", "compiler/plan", "compiler/shape", "dsl/diag", "runtime", "github.com/dave/jennifer/..."},

	// What a program links that uses an emitted package: no compiler, no cgo.
	"runtime/...":                 {"runtime/...", "golang.org/x/sys/..."},
	"generated/...":               {"runtime"},
	"generated/internal/gentest":  {"compiler", "compiler/exec", "compiler/verify", "compiler/verify/verifytest", "runtime"},
	"codegen/internal/golden/...": {"runtime"},

	"cmd/...": {"..."}, // whatever makes a good tool

	"bench/worker":  {"generated/lenet5", "runtime"}, // as any program that links an emitted package
	"bench/weights": {"compiler/elaborate", "compiler/ir", "compiler/verify", "runtime/weights", "specs"},
}

// notLinked are folders whose packages are no part of the module's programs:
// generators with a go.mod of their own, and test data.
var notLinked = []string{"_asm", "testdata"}

// TestImports holds every package to the table, and the table to the packages.
func TestImports(t *testing.T) {
	imports := packages(t)
	matched := map[string]bool{}
	for _, dir := range slices.Sorted(maps.Keys(imports)) {
		rule, ok := ruleFor(dir)
		if !ok {
			t.Errorf("package %s is not in the table of compiler/deps_test.go", dir)
			continue
		}
		matched[rule] = true
		for _, imp := range imports[dir] {
			if imp == "C" {
				t.Errorf("package %s uses cgo", dir)
				continue
			}
			short := strings.TrimPrefix(imp, module)
			if short == imp && !strings.Contains(strings.Split(imp, "/")[0], ".") {
				continue // the standard library
			}
			if !slices.ContainsFunc(mayImport[rule], func(p string) bool { return matches(p, short) }) {
				t.Errorf("package %s must not import %s", dir, short)
			}
		}
	}
	for rule := range mayImport {
		if !matched[rule] && rule != "generated/..." {
			t.Errorf("the table lists %s, which does not exist", rule)
		}
	}
}

// ruleFor returns the most specific entry of the table for a folder.
func ruleFor(dir string) (string, bool) {
	if _, ok := mayImport[dir]; ok {
		return dir, true
	}
	for d := dir; d != "."; d = path.Dir(d) {
		if _, ok := mayImport[d+"/..."]; ok {
			return d + "/...", true
		}
	}
	return "", false
}

// matches reports whether a package is pattern, or below it if it ends in "/...".
func matches(pattern, pkg string) bool {
	base, all := strings.CutSuffix(pattern, "/...")
	return pkg == base || all && strings.HasPrefix(pkg, base+"/") || pattern == "..."
}

// packages returns what the packages of the module import, tests excepted, on
// every platform, by folder.
func packages(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	root := os.DirFS("..")
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if slices.Contains(notLinked, d.Name()) || strings.HasPrefix(d.Name(), ".") && name != "." {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", name), nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		dir := path.Dir(name)
		found[dir] = append(found[dir], []string{}...)
		for _, imp := range f.Imports {
			p, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				return err
			}
			if !slices.Contains(found[dir], p) {
				found[dir] = append(found[dir], p)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
