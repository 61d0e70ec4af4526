package gemm

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/peak"
)

// BenchmarkTile reports a tile's share of the peak with everything in the cache.
// The peak is measured in turns with it.
func BenchmarkTile(b *testing.B) {
	for isa := cpu.AVX2; isa <= cpu.Best; isa++ {
		k := For(isa)
		for _, width := range k.Widths {
			for _, rows := range []int{k.Rows, k.Rows / 2, 1} {
				for _, depth := range []int{16, 64, 256} {
					b.Run(fmt.Sprintf("%s/%dx%dx%d", isa, rows, depth, width), func(b *testing.B) {
						const panels = 4
						c := randomCall(rand.New(rand.NewPCG(1, 1)), k, rows, 1, depth, width, panels, width)
						c.AStep = 0
						c.LDC = panels * width
						c.C = alignedFloats(k.Rows * c.LDC)
						c.B = alignedFloats(len(c.B))
						for i := range c.Offsets {
							c.Offsets[i] = 4 * i * (depth + 16)
						}
						c.A = alignedFloats(k.Rows * (depth + 16))
						const calls = 200
						flops := 2 * float64(calls*rows*depth*width*panels)
						var best, top float64
						for b.Loop() {
							top = max(top, peak.Burst(isa))
							start := time.Now()
							for range calls {
								k.Run(c)
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
}

// alignedFloats returns n zeros that begin at a cache line.
func alignedFloats(n int) []float32 {
	x := make([]float32, n+15)
	skip := -uintptr(unsafe.Pointer(&x[0])) / 4 % 16
	return x[skip : int(skip)+n]
}
