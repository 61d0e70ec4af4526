package generated

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cnnc-dev/cnnc/codegen"
	"github.com/cnnc-dev/cnnc/compiler"
	"github.com/cnnc-dev/cnnc/compiler/elaborate"
	"github.com/cnnc-dev/cnnc/specs"
)

var update = flag.Bool("update", false, "rewrite the generated packages")

// packages lists what stands in this directory, a folder each.
var packages = []struct{ name, spec, net string }{
	{"lenet5", "specs/lenet5.cnn", "lenet5"},
	{"resnext50", "specs/resnext50.cnn", "resnext50"},
}

// TestCurrent emits every package anew and compares: what is there must be what is
// emitted now, no file more and none less.
func TestCurrent(t *testing.T) {
	known := map[string]bool{}
	for _, pkg := range packages {
		known[pkg.name] = true
		t.Run(pkg.name, func(t *testing.T) {
			want := emit(t, pkg.name, pkg.spec, pkg.net)
			if *update {
				write(t, pkg.name, want)
			}
			if diff := cmp.Diff(want, read(t, pkg.name)); diff != "" {
				t.Errorf("go generate ./generated changes this (-emitted +committed):\n%s", diff)
			}
		})
	}
	dirs, err := filepath.Glob("*/*_cnnc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range dirs {
		if !known[filepath.Dir(file)] {
			t.Errorf("%s belongs to no package of the list", file)
		}
	}
}

// TestDependencies shows what a program links with a generated package: the
// runtime, the standard library and x/sys, without cgo.
func TestDependencies(t *testing.T) {
	const module = "github.com/cnnc-dev/cnnc/"
	for _, pkg := range packages {
		out, err := exec.Command("go", "list", "-deps", "./"+pkg.name).CombinedOutput()
		if err != nil {
			t.Fatalf("go list: %v\n%s", err, out)
		}
		seen := false
		for _, dep := range strings.Fields(string(out)) {
			seen = seen || dep == module+"runtime"
			host, _, _ := strings.Cut(dep, "/")
			ours := dep == module+"generated/"+pkg.name || strings.HasPrefix(dep+"/", module+"runtime/")
			library := !strings.Contains(host, ".") && dep != "runtime/cgo" && dep != "net"
			if !ours && !library && !strings.HasPrefix(dep, "golang.org/x/sys/") {
				t.Errorf("%s links %s", pkg.name, dep)
			}
		}
		if !seen {
			t.Errorf("%s does not link the runtime:\n%s", pkg.name, out)
		}
	}
}

// emit compiles a spec of the library into the files of a package.
func emit(t *testing.T, pkg, spec, net string) map[string]string {
	t.Helper()
	r, diags := compiler.Compile(&elaborate.Loader{Library: specs.FS()}, spec, net, compiler.Options{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	files, err := codegen.Emit(r.Plan, codegen.Options{Package: pkg})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range files {
		out[f.Name] = string(f.Data)
	}
	return out
}

// read returns the generated files of a folder.
func read(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_cnnc.go"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(f)] = string(data)
	}
	return out
}

// write makes the generated files of a folder what they should be.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name := range read(t, dir) {
		if _, ok := files[name]; !ok {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
