package peak

import (
	"testing"
	"time"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/guard"
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

func TestRead(t *testing.T) {
	const n = 64 << 10
	for isa := cpu.Generic; isa <= cpu.Best; isa++ {
		data := guard.After(t, n)
		best := 0.0
		for range 20 {
			start := time.Now()
			Read(isa, data)
			best = max(best, 4*n/time.Since(start).Seconds())
		}
		if best < 1e8 || best > 1e13 {
			t.Errorf("%s: %g bytes a second", isa, best)
		}
		t.Logf("%s: %.1f GB/s", isa, best/1e9)
		for _, few := range []int{0, 1, 255, 256, 257, 1000} {
			Read(isa, data[n-few:])
		}
	}
}
