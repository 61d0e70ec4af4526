package codegen_test

import (
	"bytes"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cnnc-dev/cnnc/codegen"
	"github.com/cnnc-dev/cnnc/compiler"
	"github.com/cnnc-dev/cnnc/compiler/elaborate"
	"github.com/cnnc-dev/cnnc/compiler/plan"
	"github.com/cnnc-dev/cnnc/specs"
)

var update = flag.Bool("update", false, "rewrite the packages in internal/golden")

// TestGolden emits the package that each internal/golden/NAME/NAME.cnn becomes,
// and compares it with what stands beside the spec, no file more and none less.
// That the packages compile, the build shows; that they compute what exec does,
// the test beside them.
func TestGolden(t *testing.T) {
	cases, err := filepath.Glob("internal/golden/*/*.cnn")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range cases {
		dir := filepath.Dir(file)
		name := filepath.Base(dir)
		t.Run(name, func(t *testing.T) {
			opts := codegen.Options{Package: name}
			if name == "heads" {
				opts.Batch = 4
			}
			fresh := map[string]string{}
			for _, f := range emit(t, compile(t, name+".cnn", "", os.DirFS(dir)), opts) {
				fresh[f.Name] = string(f.Data)
			}
			old := map[string]string{}
			files, err := filepath.Glob(filepath.Join(dir, "*.go"))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				data, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				old[filepath.Base(f)] = string(data)
			}
			diff := cmp.Diff(old, fresh)
			if diff == "" {
				return
			}
			if !*update {
				t.Fatalf("emitted code is not the golden (-golden +emitted):\n%s", diff)
			}
			for name := range old {
				if err := os.Remove(filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
			for name, data := range fresh {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// TestGoldensHaveEveryOp looks for each of the runtime's descriptions.
func TestGoldensHaveEveryOp(t *testing.T) {
	source, err := parser.ParseFile(token.NewFileSet(), "../runtime/ops.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("internal/golden/*/*_layers_cnnc.go")
	if err != nil {
		t.Fatal(err)
	}
	var goldens bytes.Buffer
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		goldens.Write(data)
	}
	ast.Inspect(source, func(n ast.Node) bool {
		decl, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		name := decl.Name.Name
		_, isStruct := decl.Type.(*ast.StructType)
		if isStruct && name != "Norm" && !bytes.Contains(goldens.Bytes(), []byte("&cnnrt."+name+"{")) { // a Norm is a part of others
			t.Errorf("no golden has a %s: add one to internal/golden/zoo/zoo.cnn", name)
		}
		return false
	})
}

// compile takes a net of a spec in a directory to its plan; "" is the spec's own.
func compile(t *testing.T, file, net string, dir fs.FS) *plan.Plan {
	t.Helper()
	read := func(name string) ([]byte, error) { return fs.ReadFile(dir, name) }
	r, diags := compiler.Compile(&elaborate.Loader{Library: specs.FS(), Read: read}, file, net, compiler.Options{})
	if diags.HasErrors() {
		for _, d := range diags {
			t.Error(d)
		}
		t.FailNow()
	}
	return r.Plan
}

// emit emits a plan twice, which must give the same bytes.
func emit(t *testing.T, p *plan.Plan, opts codegen.Options) []codegen.File {
	t.Helper()
	files, err := codegen.Emit(p, opts)
	if err != nil {
		t.Fatal(err)
	}
	again, err := codegen.Emit(p, opts)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(files, again); diff != "" {
		t.Errorf("emitted twice, the code differs:\n%s", diff)
	}
	return files
}
