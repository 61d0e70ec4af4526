package generated

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cnnc-dev/cnnc/codegen"
	"github.com/cnnc-dev/cnnc/compiler"
	"github.com/cnnc-dev/cnnc/compiler/verify/verifytest"
)

var update = flag.Bool("update", false, "rewrite the generated packages")

// command is what generate.go runs for each package: a net, and a folder.
var command = regexp.MustCompile(`(?m)^//go:generate go run ../cmd/cnnc build (\w+) -o (\w+)$`)

// packages returns the net of each folder, as generate.go has them.
func packages(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("generate.go")
	if err != nil {
		t.Fatal(err)
	}
	nets := map[string]string{}
	for _, m := range command.FindAllStringSubmatch(string(text), -1) {
		nets[m[2]] = m[1]
	}
	if n := strings.Count(string(text), "//go:generate"); n != len(nets) {
		t.Fatalf("%d commands, of which %d are understood", n, len(nets))
	}
	return nets
}

// TestCurrent emits every package anew and compares: what is there must be what is
// emitted now, no file more and none less.
func TestCurrent(t *testing.T) {
	nets := packages(t)
	for pkg, net := range nets {
		t.Run(pkg, func(t *testing.T) {
			want := emit(t, pkg, net)
			if *update {
				write(t, pkg, want)
			}
			if diff := cmp.Diff(want, read(t, pkg)); diff != "" {
				t.Errorf("go generate ./generated changes this (-emitted +committed):\n%s", diff)
			}
		})
	}
	files, err := filepath.Glob("*/*_cnnc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if nets[filepath.Dir(file)] == "" {
			t.Errorf("generate.go does not write %s", file)
		}
	}
}

// TestDependencies shows what a program links with a generated package: the
// runtime, the standard library and x/sys, without cgo.
func TestDependencies(t *testing.T) {
	const module = "github.com/cnnc-dev/cnnc/"
	for pkg := range packages(t) {
		out, err := exec.Command("go", "list", "-deps", "./"+pkg).CombinedOutput()
		if err != nil {
			t.Fatalf("go list: %v\n%s", err, out)
		}
		seen := false
		for _, dep := range strings.Fields(string(out)) {
			seen = seen || dep == module+"runtime"
			host, _, _ := strings.Cut(dep, "/")
			ours := dep == module+"generated/"+pkg || strings.HasPrefix(dep+"/", module+"runtime/")
			library := !strings.Contains(host, ".") && dep != "runtime/cgo" && dep != "net"
			if !ours && !library && !strings.HasPrefix(dep, "golang.org/x/sys/") {
				t.Errorf("%s links %s", pkg, dep)
			}
		}
		if !seen {
			t.Errorf("%s does not link the runtime:\n%s", pkg, out)
		}
	}
}

// emit compiles a net of the library into the files of a package.
func emit(t *testing.T, pkg, net string) map[string]string {
	t.Helper()
	files, err := codegen.Emit(verifytest.Compile(t, net, compiler.Options{}).Plan, codegen.Options{Package: pkg})
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
