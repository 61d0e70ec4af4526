package rowtaps

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/gemm"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/peak"
)

// BenchmarkRun reports the share of the peak, which is measured in turns with it, of one
// line with everything in the first-level cache.
func BenchmarkRun(b *testing.B) {
	for isa := cpu.AVX2; isa <= cpu.Best; isa++ {
		k := gemm.For(isa)
		for _, s := range []struct {
			name            string
			taps, k, pixels int
		}{{"3x3x3", 3, 9, 56}, {"5x5x1", 5, 5, 28}, {"5x5x6", 5, 30, 10}, {"7x7x3", 7, 21, 56}} {
			for _, width := range k.Widths {
				b.Run(fmt.Sprintf("%s/%s/%d", isa, s.name, width), func(b *testing.B) {
					c := randomCall(rand.New(rand.NewPCG(1, 1)), size{1, s.pixels, s.taps, s.k, width, 1, width}, alignedFloats)
					c.CPixel, c.Residual, c.Lo, c.Hi, c.Fetch = width, nil, 0, float32(math.Inf(1)), false
					const calls = 100
					flops := 2 * float64(calls*c.Pixels*c.Taps*c.K*c.Width)
					var best, top float64
					for b.Loop() {
						top = max(top, peak.Burst(isa))
						start := time.Now()
						for range calls {
							Run(isa, c)
						}
						best = max(best, flops/time.Since(start).Seconds())
					}
					b.ReportMetric(best/1e9, "GFLOP/s")
					b.ReportMetric(100*best/top, "%peak")
					b.ReportMetric(0, "ns/op")
				})
			}
		}
	}
}

// alignedFloats returns n zeros that begin at a cache line.
func alignedFloats(n int) []float32 {
	x := make([]float32, n+15)
	skip := -uintptr(unsafe.Pointer(&x[0])) / 4 % 16
	return x[skip : int(skip)+n]
}
