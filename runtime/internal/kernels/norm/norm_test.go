package norm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/cpu/cputest"
	"github.com/cnnc-dev/cnnc/runtime/internal/guard"
)

// kernels are the kernels as functions of rows; weight and bias have a row's length.
var kernels = []struct {
	name    string
	run     func(dst, src Rows, weight, bias []float32, rows, n int)
	generic func(dst, src Rows, weight, bias []float32, rows, n int)
	inPlace bool
	within  float64 // of the generic kernel, absolute for results near 1
}{
	{
		"layer",
		func(dst, src Rows, weight, bias []float32, rows, n int) { Layer(dst, src, weight, bias, 1e-3, rows, n) },
		func(dst, src Rows, weight, bias []float32, rows, n int) {
			layerGeneric(dst, src, weight, bias, 1e-3, rows, n)
		},
		true, 4e-6,
	},
	{
		"softmax",
		func(dst, src Rows, _, _ []float32, rows, n int) { Softmax(dst, src, rows, n) },
		func(dst, src Rows, _, _ []float32, rows, n int) { softmaxGeneric(dst, src, rows, n) },
		true, 5e-7,
	},
	{
		"lrn 5",
		func(dst, src Rows, _, _ []float32, rows, n int) { LRN(dst, src, 5, 0.5, 0.75, 1, rows, n) },
		func(dst, src Rows, _, _ []float32, rows, n int) { lrnGeneric(dst, src, 5, 0.5, 0.75, 1, rows, n) },
		false, 2e-6,
	},
	{
		"lrn 30",
		func(dst, src Rows, _, _ []float32, rows, n int) { LRN(dst, src, 30, 2, 0.75, 2, rows, n) },
		func(dst, src Rows, _, _ []float32, rows, n int) { lrnGeneric(dst, src, 30, 2, 0.75, 2, rows, n) },
		false, 2e-6,
	},
}

// TestEdges runs the kernels between pages that trap, on rows around the vectors' lengths,
// with canaries in the gaps.
func TestEdges(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		for _, n := range append(upTo(35), 63, 64, 65, 150) {
			for _, layout := range []struct{ rows, gap int }{{1, 0}, {3, 0}, {2, 7}} {
				for _, place := range []func(testing.TB, int) []float32{guard.Before, guard.After} {
					make := func(size int) []float32 {
						s := place(t, size)
						for i := range s {
							s[i] = float32(rng.NormFloat64())
						}
						return s
					}
					size := (layout.rows-1)*(n+layout.gap) + n
					for _, k := range kernels {
						src, dst := Rows{make(size), n + layout.gap}, Rows{make(size), n + layout.gap}
						weight, bias := make(n), make(n)
						original, want := slices.Clone(src.Data), Rows{slices.Clone(dst.Data), dst.Pitch}
						k.generic(want, src, weight, bias, layout.rows, n)
						name := fmt.Sprintf("%s rows=%d n=%d gap=%d", k.name, layout.rows, n, layout.gap)

						k.run(dst, src, weight, bias, layout.rows, n)
						compare(t, name, dst.Data, want, n, k.within)
						if !slices.Equal(src.Data, original) {
							t.Fatalf("%s: the source was written", name)
						}
						if k.inPlace {
							k.run(src, src, weight, bias, layout.rows, n)
							for i := range original {
								if i%src.Pitch >= n {
									want.Data[i] = original[i]
								}
							}
							compare(t, name+" in place", src.Data, want, n, k.within)
						}
					}
				}
			}
		}
	})
}

// compare checks rows of n floats for being near what is wanted, gaps for being the same.
func compare(t *testing.T, name string, got []float32, want Rows, n int, within float64) {
	t.Helper()
	for i, g := range got {
		w := want.Data[i]
		if i%want.Pitch >= n {
			if g != w {
				t.Fatalf("%s: the gap was written at %d", name, i)
			}
		} else if math.Abs(float64(g-w)) > within*max(1, math.Abs(float64(w))) {
			t.Fatalf("%s: element %d is %v, want %v", name, i, g, w)
		}
	}
}

func upTo(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i + 1
	}
	return s
}

// TestSpecialValues pins down what infinities and NaNs do, and numbers whose exponential
// or square has no place in a float.
func TestSpecialValues(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	cputest.Each(t, func(t *testing.T) {
		for _, test := range []struct{ src, want []float32 }{
			{[]float32{1, inf, 2}, []float32{nan, nan, nan}},
			{[]float32{1, nan, 2}, []float32{nan, nan, nan}},
			{[]float32{-inf, -inf}, []float32{nan, nan}},
			{[]float32{5, -inf, 5}, []float32{0.5, 0, 0.5}},
			{[]float32{3e38, -3e38, 0}, []float32{1, 0, 0}},
			{[]float32{-3e38}, []float32{1}},
			{[]float32{-1000, -1000, -1000, -1000}, []float32{0.25, 0.25, 0.25, 0.25}},
		} {
			got, n := make([]float32, len(test.src)), len(test.src)
			Softmax(Rows{got, n}, Rows{test.src, n}, 1, n)
			if !same(got, test.want) {
				t.Errorf("softmax of %v is %v, want %v", test.src, got, test.want)
			}
		}

		src := []float32{0, 1e30, 0, 0, nan, 0}
		got, n := make([]float32, len(src)), len(src)
		LRN(Rows{got, n}, Rows{src, n}, 3, 1, 0.75, 1, 1, n)
		got[1] = 0 // close to it
		if want := []float32{0, 0, 0, nan, nan, nan}; !same(got, want) {
			t.Errorf("lrn of %v is %v, want %v", src, got, want)
		}

		src = []float32{7, 7, 7, 7, 7}
		got, n = make([]float32, len(src)), len(src)
		Layer(Rows{got, n}, Rows{src, n}, []float32{1, 1, 1, 1, 1}, []float32{0, 1, 2, 3, 4}, 1e-5, 1, n)
		if want := []float32{0, 1, 2, 3, 4}; !same(got, want) {
			t.Errorf("layer normalisation of %v is %v, want %v", src, got, want)
		}
	})
}

// same is equality with NaN equal to itself.
func same(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return x == y || x != x && y != y })
}

func TestNothing(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		Layer(Rows{}, Rows{}, nil, nil, 0, 0, 0)
		Softmax(Rows{}, Rows{}, 0, 4)
		LRN(Rows{}, Rows{}, 5, 1, 0.75, 1, 4, 0)
	})
}

// What is shorter than it should be is refused, even if there is room behind it.
func TestShort(t *testing.T) {
	const rows, n = 2, 16
	long, short := Rows{make([]float32, rows*n), n}, Rows{make([]float32, rows*n-1, rows*n), n}
	other := Rows{make([]float32, rows*n), n}
	row, shortRow := make([]float32, n), make([]float32, n-1, n)
	refused := func(name string, f func()) {
		t.Helper()
		defer func() {
			if recover() == nil {
				t.Errorf("%s went unnoticed", name)
			}
		}()
		f()
	}
	for _, k := range kernels {
		refused(k.name+"'s dst", func() { k.run(short, other, row, row, rows, n) })
		refused(k.name+"'s src", func() { k.run(long, short, row, row, rows, n) })
	}
	refused("weight", func() { Layer(long, other, shortRow, row, 1, rows, n) })
	refused("bias", func() { Layer(long, other, row, shortRow, 1, rows, n) })
}

func BenchmarkNorm(b *testing.B) {
	for _, shape := range []struct{ rows, n int }{{64, 96}, {16, 384}, {1, 1000}} {
		size := shape.rows * shape.n
		src, dst := make([]float32, size), make([]float32, size)
		for i := range src {
			src[i] = float32(i%13) - 6
		}
		weight, bias := make([]float32, shape.n), make([]float32, shape.n)
		for _, k := range kernels[:3] {
			for isa := cpu.AVX2; isa <= cpu.Best; isa++ {
				b.Run(fmt.Sprintf("%s/%dx%d/%s", k.name, shape.rows, shape.n, isa), func(b *testing.B) {
					defer cpu.Force(isa)()
					for b.Loop() {
						k.run(Rows{dst, shape.n}, Rows{src, shape.n}, weight, bias, shape.rows, shape.n)
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(size), "ns/float")
				})
			}
		}
	}
}

// A row's results are the same bits whichever others are computed with it: threads may
// divide rows as they like.
func TestRowsAlone(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		const rows, n = 7, 45
		rng := rand.New(rand.NewPCG(5, 6))
		src, weight, bias := make([]float32, rows*n), make([]float32, n), make([]float32, n)
		for _, x := range [][]float32{src, weight, bias} {
			for i := range x {
				x[i] = float32(rng.NormFloat64())
			}
		}
		for _, k := range kernels {
			together, alone := make([]float32, rows*n), make([]float32, n)
			k.run(Rows{together, n}, Rows{src, n}, weight, bias, rows, n)
			for i := range rows {
				k.run(Rows{alone, n}, Rows{src[i*n:], n}, weight, bias, 1, n)
				if !slices.Equal(alone, together[i*n:][:n]) {
					t.Errorf("%s: row %d differs when it is computed alone", k.name, i)
				}
			}
		}
	})
}
