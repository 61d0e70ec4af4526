// Package cputest runs tests under each instruction set.
package cputest

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
)

// Each runs f as a subtest under every set of kernels that has all families. What the
// machine lacks is skipped, or fails if CNNC_REQUIRE_ISA names it (avx2, avx512, amx;
// several with commas). With -short, as under the race detector, where plain Go crawls,
// only the best is left.
func Each(t *testing.T, f func(t *testing.T)) { upTo(t, cpu.AVX512, f) }

// EachAndTiles is Each, and then a subtest with AMX.
func EachAndTiles(t *testing.T, f func(t *testing.T)) { upTo(t, cpu.AMX, f) }

func upTo(t *testing.T, last cpu.ISA, f func(t *testing.T)) {
	required := strings.Split(os.Getenv("CNNC_REQUIRE_ISA"), ",")
	for isa := cpu.Generic; isa <= last; isa++ {
		t.Run(isa.String(), func(t *testing.T) {
			if isa > cpu.Machine {
				if slices.Contains(required, isa.String()) {
					t.Fatalf("CNNC_REQUIRE_ISA names %s; this machine has %s at most", isa, cpu.Machine)
				}
				t.Skipf("this machine has %s at most", cpu.Machine)
			}
			if testing.Short() && isa < cpu.Best {
				t.Skip("not with -short")
			}
			defer cpu.Force(isa)()
			f(t)
		})
	}
}
