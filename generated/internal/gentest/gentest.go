// Package gentest holds what the tests of the generated packages share.
package gentest

import (
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"
)

const child = "CNNC_GENTEST_CHILD"

// EachISA runs f under every CNNC_CPU: the test that calls it, which must be a
// top-level one, runs again in a process for each, because the choice is made
// once a process. What the machine lacks is skipped, or fails if CNNC_REQUIRE_ISA
// names it (generic, avx2 or avx512; several with commas).
//
// Under the race detector f runs once, in this process: it looks at how threads
// meet, which is the same whatever the kernels are, and makes plain Go crawl.
func EachISA(t *testing.T, f func(t *testing.T)) {
	if raceDetector || os.Getenv(child) != "" {
		f(t)
		return
	}
	for _, isa := range []string{"generic", "avx2", "avx512"} {
		t.Run(isa, func(t *testing.T) {
			test, _, _ := strings.Cut(t.Name(), "/")
			cmd := exec.Command(os.Args[0], "-test.run=^"+test+"$", "-test.v")
			cmd.Env = append(os.Environ(), child+"=1", "CNNC_CPU="+isa)
			out, err := cmd.CombinedOutput()
			switch {
			case err == nil && !strings.Contains(string(out), "--- PASS: "+test):
				t.Errorf("the test did not run:\n%s", out)
			case err == nil:
			case strings.Contains(string(out), "CNNC_CPU="+isa+": this machine has ") && !required(isa):
				t.Skipf("this machine has no %s", isa)
			default:
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func required(isa string) bool {
	for name := range strings.SplitSeq(os.Getenv("CNNC_REQUIRE_ISA"), ",") {
		if name == isa {
			return true
		}
	}
	return false
}

// SameBits fails the test unless two outputs are equal bit for bit.
func SameBits(t *testing.T, what string, got, want []float32) {
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

// Within fails the test unless every float is within tolerance of what it should be.
func Within(t *testing.T, what string, got []float32, want []float64, tolerance float64) {
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
	if !(worst <= tolerance) {
		t.Errorf("%s: off by up to %.3g (tolerance %.3g): at %d %v, want %v", what, worst, tolerance, where, got[where], want[where])
	}
}
