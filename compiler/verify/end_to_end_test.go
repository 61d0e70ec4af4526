package verify_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/cnnc-dev/cnnc/compiler"
	"github.com/cnnc-dev/cnnc/compiler/elaborate"
	"github.com/cnnc-dev/cnnc/compiler/verify"
	"github.com/cnnc-dev/cnnc/specs"
)

// reference reads testdata/NAME.json.
func reference(t testing.TB, name string) *verify.Reference {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	ref, err := verify.ParseReference(data)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// compile compiles a net of the library.
func compile(t testing.TB, name string, opts compiler.Options) *compiler.Result {
	t.Helper()
	net, ok := specs.Find(name)
	if !ok {
		t.Fatalf("no net %s", name)
	}
	r, diags := compiler.Compile(&elaborate.Loader{Library: specs.FS()}, net.File, net.Name, opts)
	for _, d := range diags {
		t.Error(d)
	}
	if r == nil {
		t.FailNow()
	}
	return r
}

// TestNets verifies every net that testdata has a reference of.
func TestNets(t *testing.T) {
	for _, name := range []string{"lenet5", "resnext50_32x4d"} {
		t.Run(name, func(t *testing.T) {
			ref := reference(t, name)
			p := compile(t, name, compiler.Options{}).Plan
			layered := compile(t, name, compiler.Options{NoPasses: true}).Plan
			r, err := verify.Run(ref, p, layered, verify.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%+v", r.Output)
			t.Logf("arena %d, lower bound %d: %.2f%% above", p.Arena, p.LowerBound, 100*(float64(p.Arena)/float64(p.LowerBound)-1))
			t.Logf("%d layers compared, %d unmatched: %v", len(r.Layers), len(r.Unmatched), r.Unmatched)
			worst := 0.0
			for _, l := range r.Layers {
				worst = max(worst, l.Relative)
			}
			t.Logf("worst layer %g", worst)
			if !r.OK {
				t.Errorf("%+v", r)
			}
		})
	}
}
