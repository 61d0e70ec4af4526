// Package cputest runs tests under each instruction set.
package cputest

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
)

// Each runs f as a subtest under every set of kernels. What the machine lacks is skipped,
// or fails if CNNC_REQUIRE_ISA names it (avx2, avx512; several with commas). With -short,
// as under the race detector, where plain Go crawls, only the best is left.
func Each(t *testing.T, f func(t *testing.T)) {
	required := strings.Split(os.Getenv("CNNC_REQUIRE_ISA"), ",")
	for isa := cpu.Generic; isa <= cpu.AVX512; isa++ {
		t.Run(isa.String(), func(t *testing.T) {
			if isa > cpu.Best {
				if slices.Contains(required, isa.String()) {
					t.Fatalf("CNNC_REQUIRE_ISA names %s; this machine has %s at most", isa, cpu.Best)
				}
				t.Skipf("this machine has %s at most", cpu.Best)
			}
			if testing.Short() && isa < cpu.Best {
				t.Skip("not with -short")
			}
			defer cpu.Force(isa)()
			f(t)
		})
	}
}
