// Package verifytest holds what tests of whole networks share: references, runs
// under each instruction set, comparisons.
package verifytest

import (
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/cnnc-dev/cnnc/compiler"
	"github.com/cnnc-dev/cnnc/compiler/elaborate"
	"github.com/cnnc-dev/cnnc/compiler/verify"
	"github.com/cnnc-dev/cnnc/specs"
)

// References returns the names of all references, sorted.
func References(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(testdata(t), "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no references: %v", err)
	}
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = strings.TrimSuffix(filepath.Base(f), ".json")
	}
	return names
}

// Reference reads compiler/verify/testdata/NAME.json.
func Reference(t testing.TB, name string) *verify.Reference {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(testdata(t), name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	ref, err := verify.ParseReference(data)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// testdata returns the folder of the references: tests of other packages read them
// too, each from its own working directory.
func testdata(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "compiler", "verify", "testdata")
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the working directory")
		}
		dir = up
	}
}

// Tolerance is how far a network's outputs may be from the reference's: what the
// project claims of it, or what verify allows any network.
func Tolerance(ref *verify.Reference) float64 {
	if ref.Name == "resnext50_32x4d" {
		return 2e-5
	}
	return verify.TimesNoise * ref.Noise
}

// Compile compiles a net of the library. A warning fails the test.
func Compile(t testing.TB, name string, opts compiler.Options) *compiler.Result {
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

// Allocs returns the allocations of a call of f, the least of several: Go's runtime may allocate
// meanwhile, as for a worker that parks. testing.AllocsPerRun would leave f one processor, on
// which a session has one thread.
func Allocs(f func()) uint64 {
	f()
	least := uint64(math.MaxUint64)
	for range 10 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		if least = min(least, after.Mallocs-before.Mallocs); least == 0 {
			break
		}
	}
	return least
}

// SameBits fails the test unless two outputs are equal bit for bit.
func SameBits(t testing.TB, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d floats, want %d", what, len(got), len(want))
		return
	}
	differ, first := 0, -1
	for i := range got {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			if differ++; first < 0 {
				first = i
			}
		}
	}
	if differ > 0 {
		t.Errorf("%s: %d of %d floats differ, the first at %d: %v, want %v", what, differ, len(got), first, got[first], want[first])
	}
}

// Within fails the test unless every float is within tolerance of what it should
// be. It logs the largest error.
func Within(t testing.TB, what string, got []float32, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d floats, want %d", what, len(got), len(want))
		return
	}
	worst, where := 0.0, 0
	for i := range got {
		if d := math.Abs(float64(got[i]) - want[i]); d > worst || d != d {
			worst, where = d, i
		}
	}
	if worst <= tolerance { // worst may be NaN
		t.Logf("%s: off by up to %.2g of %.2g", what, worst, tolerance)
		return
	}
	t.Errorf("%s: off by up to %.3g (tolerance %.3g): at %d %v, want %v", what, worst, tolerance, where, got[where], want[where])
}
