package peak

import (
	"testing"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
)

func TestBurst(t *testing.T) {
	for isa := cpu.Generic; isa <= cpu.Best; isa++ {
		best := 0.0
		for range 20 {
			best = max(best, Burst(isa))
		}
		// Slower than the slowest machine, faster than the fastest.
		if best < 1e8 || best > 1e13 {
			t.Errorf("%s: %g operations a second", isa, best)
		}
		t.Logf("%s: %.1f GFLOP/s", isa, best/1e9)
	}
}
