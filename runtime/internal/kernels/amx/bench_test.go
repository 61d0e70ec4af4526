package amx

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"
)

// aligned returns n zeros that begin at a page.
func aligned[T any](n int) []T {
	const page = 4096
	size := int(unsafe.Sizeof(*new(T)))
	x := make([]T, n+page/size)
	skip := int(-uintptr(unsafe.Pointer(&x[0]))%page) / size
	return x[skip : skip+n]
}

// BenchmarkMultiply is rows by all weights of a matrix product, with the splitting of the
// rows and without: a chunk of many, and a few whose weights come from afar.
func BenchmarkMultiply(b *testing.B) {
	need(b)
	for _, s := range []struct{ rows, k, n int }{{181, 728, 728}, {49, 2048, 512}} {
		b.Run(fmt.Sprintf("%dx%dx%d", s.rows, s.k, s.n), func(b *testing.B) { benchmark(b, s.rows, s.k, s.n) })
	}
}

func benchmark(b *testing.B, rows, k, n int) {
	panels := (n + Width - 1) / Width
	strips := (rows + 2*TileRows - 1) / (2 * TileRows)
	tileRows := (rows + 2*strips - 1) / (2 * strips)
	planeRows := (strips*2*tileRows + 1) | 1
	ldc := panels*Width + 16
	rng := rand.New(rand.NewPCG(1, 1))
	x := memory(aligned[float32]).floats(rng, rows*k)
	s := Split{Dst: aligned[uint16](planeRows * PackedDepth(k)), Plane: planeRows * line, Src: x, Pitch: k, Rows: rows, K: k}
	panel := blocks(k) * BlockLen
	w := aligned[uint16](panels * panel)
	for i := range w {
		w[i] = split3(float32(rng.NormFloat64()))[0]
	}
	c := Call{
		TileRows: tileRows, Rows: make([]int32, strips*2*tileRows),
		A: s.Dst, Plane: s.Plane, Taps: []int{0}, Blocks: blocks(k), Bias: make([]float32, Width), Cols: Width,
		LDC: ldc, Lo: 0, Hi: float32(math.Inf(1)), Sums: aligned[float32](SumsLen),
	}
	for i := range c.Rows {
		c.Rows[i] = int32(i)
		if i >= rows {
			c.Rows[i] = -1
		}
	}
	out := aligned[float32](rows * ldc)
	multiply := func() {
		for p := range panels {
			at := (p + 1) % panels * panel
			c.B, c.Next = w[p*panel:][:panel], w[at:][:panel]
			c.C = out[p*Width:]
			c.Run()
		}
	}
	s.Run()
	for _, what := range []struct {
		name string
		do   func()
	}{
		{"multiply", multiply},
		{"both", func() { s.Run(); multiply() }},
	} {
		b.Run(what.name, func(b *testing.B) {
			var best float64
			for b.Loop() {
				start := time.Now()
				what.do()
				best = max(best, float64(2*rows*k*n)/time.Since(start).Seconds())
			}
			b.ReportMetric(best/1e9, "GFLOP/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkSplit reports what it reads.
func BenchmarkSplit(b *testing.B) {
	need(b)
	const rows, k = 181, 728
	const planeRows = rows + 2
	s := Split{Dst: aligned[uint16](planeRows * PackedDepth(k)), Plane: planeRows * line, Src: aligned[float32](rows * k), Pitch: k, Rows: rows, K: k}
	b.SetBytes(4 * rows * k)
	for b.Loop() {
		s.Run()
	}
}
