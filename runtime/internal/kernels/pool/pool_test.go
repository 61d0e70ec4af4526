package pool

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/cpu/cputest"
	"github.com/cnnc-dev/cnnc/runtime/internal/guard"
)

// TestEdges pools between pages that trap, over channels around the vectors' lengths, with
// canaries in the gaps, and compares with a walk over the window of each float.
func TestEdges(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		for n := 1; n <= 70; n++ {
			for _, gap := range []int{0, 3} {
				for _, w := range []Window{
					{Rows: 1, Cols: 1, Count: 1},
					{Rows: 3, Cols: 3, Count: 2},
					{Rows: 2, Cols: 5, Count: 1},
					{Rows: 9, Cols: 2, Count: 1},
					{Rows: 0, Cols: 3, Count: 2},
					{Rows: 2, Cols: 0, Count: 1},
				} {
					pitch := n + gap
					w.Channels, w.ColPitch, w.RowPitch, w.SrcPitch, w.DstPitch = n, pitch, 7*pitch, 2*pitch, pitch
					size := (w.Count-1)*w.SrcPitch + max(0, w.Rows-1)*w.RowPitch + max(0, w.Cols-1)*w.ColPitch + n
					for _, place := range []func(testing.TB, int) []float32{guard.Before, guard.After} {
						src := place(t, size)
						for i := range src {
							src[i] = float32(rng.NormFloat64())
							switch rng.IntN(40) {
							case 0:
								src[i] = float32(nan)
							case 1:
								src[i] = float32(-inf)
							}
						}
						name := fmt.Sprintf("%+v", w)
						expect(t, "max "+name, &w, place, src, 0, math.Inf(-1), func(acc, x float64, _ int) float64 { return max(acc, x) },
							func(dst []float32) { Max(dst, src, &w) })
						for i := range src {
							src[i] = float32(rng.NormFloat64())
						}
						expect(t, "sum "+name, &w, place, src, 1e-6, 0, func(acc, x float64, _ int) float64 { return acc + x*0.25 },
							func(dst []float32) { Sum(dst, src, &w, 0.25) })
						expect(t, "squares "+name, &w, place, src, 4e-6, 0, func(acc, x float64, _ int) float64 { return acc + x*x*0.25 },
							func(dst []float32) { Squares(dst, src, &w, 0.25) })
						f := Affine{Scale: place(t, n), Shift: place(t, n), Lo: -0.5, Hi: 1}
						for c := range n {
							f.Scale[c], f.Shift[c] = float32(rng.NormFloat64()), float32(rng.NormFloat64())
						}
						expect(t, "sum affine "+name, &w, place, src, 1e-6, 0, func(acc, x float64, c int) float64 {
							return acc + min(max(x*float64(f.Scale[c])+float64(f.Shift[c]), -0.5), 1)*0.25
						}, func(dst []float32) { SumAffine(dst, src, &w, &f, 0.25) })
					}
				}
			}
		}
	})
}

// expect runs a kernel and compares with start combined with each float of a window.
func expect(t *testing.T, name string, w *Window, place func(testing.TB, int) []float32, src []float32, within, start float64, combine func(acc, x float64, c int) float64, run func(dst []float32)) {
	t.Helper()
	const canary = 12345
	dst := place(t, (w.Count-1)*w.DstPitch+w.Channels)
	for i := range dst {
		dst[i] = canary
	}
	run(dst)
	for i, g := range dst {
		p, c := i/w.DstPitch, i%w.DstPitch
		want := float64(canary)
		if c < w.Channels {
			want = start
			for y := range w.Rows {
				for x := range w.Cols {
					want = combine(want, float64(src[p*w.SrcPitch+y*w.RowPitch+x*w.ColPitch+c]), c)
				}
			}
		}
		got := float64(g)
		if got != want && !(math.Abs(got-want) <= within) && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Fatalf("%s: element %d is %v, want %v", name, i, got, want)
		}
	}
}

// A channel's sum is the same bits whichever others are summed with it: threads may divide
// channels as they like.
func TestChannelsAlone(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		const rows, cols, channels = 11, 5, 70
		rng := rand.New(rand.NewPCG(3, 4))
		src, dst := make([]float32, rows*cols*channels), make([]float32, channels)
		for i := range src {
			src[i] = float32(rng.NormFloat64())
		}
		w := Window{Rows: rows, Cols: cols, RowPitch: cols * channels, ColPitch: channels, Count: 1, Channels: channels}
		Sum(dst, src, &w, 1)
		w.Channels = 1
		for c, together := range dst {
			var alone [1]float32
			if Sum(alone[:], src[c:], &w, 1); alone[0] != together {
				t.Errorf("channel %d: %v alone, %v with others", c, alone[0], together)
			}
		}
	})
}

// TestLargeSum checks that the error of a large window does not grow with its size.
func TestLargeSum(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		const side = 112
		src, dst := make([]float32, side*side), make([]float32, 1)
		want := 0.0
		for i := range src {
			src[i] = 1 + float32(i%7)/10
			want += float64(src[i])
		}
		Sum(dst, src, &Window{Rows: side, Cols: side, RowPitch: side, ColPitch: 1, Count: 1, Channels: 1}, 1)
		if e := math.Abs(float64(dst[0])/want - 1); e > 2e-6 {
			t.Errorf("sum of %d floats is %v, want %v: a relative error of %.2g", side*side, dst[0], want, e)
		}
	})
}

// What is shorter than it should be is refused, even if there is room behind it.
func TestShort(t *testing.T) {
	const n = 16
	w := Window{Rows: 2, Cols: 1, RowPitch: n, Count: 1, Channels: n}
	src, dst := make([]float32, 2*n), make([]float32, n)
	shortSrc, shortDst := make([]float32, 2*n-1, 2*n), make([]float32, n-1, n)
	affine := func(scale, shift []float32) { SumAffine(dst, src, &w, &Affine{Scale: scale, Shift: shift}, 1) }
	for name, f := range map[string]func(){
		"max's dst":    func() { Max(shortDst, src, &w) },
		"max's src":    func() { Max(dst, shortSrc, &w) },
		"sum's dst":    func() { Sum(shortDst, src, &w, 1) },
		"squares' src": func() { Squares(dst, shortSrc, &w, 1) },
		"scale":        func() { affine(shortDst, dst) },
		"shift":        func() { affine(dst, shortDst) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s went unnoticed", name)
				}
			}()
			f()
		}()
	}
}

func BenchmarkPool(b *testing.B) {
	const side, channels = 56, 64
	src, dst := make([]float32, side*side*channels), make([]float32, side*channels)
	w := Window{
		Rows: 3, Cols: 3, RowPitch: side * channels, ColPitch: channels,
		SrcPitch: 2 * channels, DstPitch: channels, Count: side/2 - 1, Channels: channels,
	}
	for isa := cpu.AVX2; isa <= cpu.Best; isa++ {
		for name, f := range map[string]func(){
			"max":     func() { Max(dst, src, &w) },
			"sum":     func() { Sum(dst, src, &w, 1) },
			"squares": func() { Squares(dst, src, &w, 1) },
		} {
			b.Run(name+"/"+isa.String(), func(b *testing.B) {
				defer cpu.Force(isa)()
				for b.Loop() {
					f()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(w.Count*channels*9), "ns/tap")
			})
		}
	}
}
