package eltwise

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/cpu/cputest"
	"github.com/cnnc-dev/cnnc/runtime/internal/guard"
	"github.com/cnnc-dev/cnnc/runtime/ref"
)

// functions are the activations, their specification, and how far they may be from it:
// absolute, or relative to the result, whichever is more. The package comment promises
// these bounds.
var functions = []struct {
	name               string
	f                  Func
	slope              float32
	ref                func(float64) float64
	absolute, relative float64
}{
	{"none", None, 0, func(x float64) float64 { return x }, 0, 0},
	{"relu", ReLU, 0, ref.ReLU, 0, 0},
	{"relu6", ReLU6, 0, ref.ReLU6, 0, 0},
	{"leaky", LeakyReLU, 0.1, ref.LeakyReLU(float64(float32(0.1))), 1e-45, 6e-8},
	{"sigmoid", Sigmoid, 0, ref.Sigmoid, 1e-37, 5e-7},
	{"tanh", Tanh, 0, ref.Tanh, 0, 4e-7},
	{"silu", SiLU, 0, ref.SiLU, 2e-36, 5e-7},
	{"hardsigmoid", HardSigmoid, 0, ref.HardSigmoid, 1.2e-7, 0},
	{"hardswish", HardSwish, 0, ref.HardSwish, 2e-7, 2e-7},
	{"gelu", GELU, 0, ref.GELU, 4e-7, 2e-7},
	{"gelutanh", GELUTanh, 0, ref.GELUTanh, 2e-7, 4e-7},
}

// near reports whether got is near enough to want; NaN meets NaN, infinities themselves.
func near(got float32, want, absolute, relative float64) bool {
	g := float64(got)
	return math.IsNaN(want) && math.IsNaN(g) || g == want ||
		math.Abs(g-want) <= max(absolute, relative*math.Abs(want)) && !math.IsInf(g, 0)
}

// TestAccuracy walks over a line of arguments, fine near 0 and where exponentials are normal, coarse far out.
func TestAccuracy(t *testing.T) {
	var xs []float32
	for x := 1e-38; x < 1e38; x *= 1.003 {
		xs = append(xs, float32(x), -float32(x))
	}
	for x := -88.0; x < 20; x += 1.0 / 512 {
		xs = append(xs, float32(x))
	}
	special := []float64{0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.NaN(), -math.NaN(),
		math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, -87.3, -87.4, -88, -104, -110, 88, 89, 104,
		-5.299, -5.3, -5.301, -5.39, 5.299, 5.3, 5.301, 5.39}
	for _, x := range special {
		xs = append(xs, float32(x))
	}
	cputest.Each(t, func(t *testing.T) {
		for _, fn := range functions {
			got := make([]float32, len(xs))
			Act(fn.f, fn.slope, Rows{got, len(xs)}, Rows{xs, len(xs)}, 1, len(xs))
			bad := 0
			for i, x := range xs {
				want := clampToFloat(fn.ref(float64(x)))
				if !near(got[i], want, fn.absolute, fn.relative) {
					if bad++; bad < 5 {
						t.Errorf("%s(%v) = %v, want %v", fn.name, x, got[i], want)
					}
				}
			}
		}
	})
}

// operands are three rows of operands between pages that trap, with canaries in the gaps.
func operands(t *testing.T, rng *rand.Rand, rows, n, gap int, after bool) []Rows {
	out := make([]Rows, 3)
	for i := range out {
		size := (rows-1)*(n+gap) + n
		place := guard.Before
		if after {
			place = guard.After
		}
		out[i] = Rows{place(t, size), n + gap}
		for j := range out[i].Data {
			out[i].Data[j] = float32(rng.NormFloat64() * 3)
		}
	}
	return out
}

func TestEdges(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		lanes := 16
		var sizes []int
		for n := 1; n <= 2*lanes+1; n++ {
			sizes = append(sizes, n)
		}
		sizes = append(sizes, 4*lanes-1, 4*lanes, 4*lanes+1, 9*lanes+5)
		for _, n := range sizes {
			for _, layout := range []struct{ rows, gap int }{{1, 0}, {3, 0}, {3, 1}, {2, 19}} {
				for _, after := range []bool{false, true} {
					o := operands(t, rng, layout.rows, n, layout.gap, after)
					name := fmt.Sprintf("rows=%d n=%d gap=%d", layout.rows, n, layout.gap)
					for _, fn := range functions {
						check(t, fn.name+" "+name, o, n, func() { Act(fn.f, fn.slope, o[0], o[1], layout.rows, n) },
							func(in [][]float64, i, _ int) float64 { return fn.ref(in[1][i]) }, fn.absolute, fn.relative)
					}
					check(t, "add "+name, o, n, func() { Add(o[0], o[1], o[2], layout.rows, n, -1, 2) },
						func(in [][]float64, i, _ int) float64 { return min(max(in[1][i]+in[2][i], -1), 2) }, 0, 6e-8)
					check(t, "mul "+name, o, n, func() { Mul(o[0], o[1], o[2], layout.rows, n) },
						func(in [][]float64, i, _ int) float64 { return in[1][i] * in[2][i] }, 0, 6e-8)
					check(t, "mul in place "+name, o, n, func() { Mul(o[0], o[0], o[2], layout.rows, n) },
						func(in [][]float64, i, _ int) float64 { return in[0][i] * in[2][i] }, 0, 6e-8)
					check(t, "mul broadcast "+name, o, n, func() { Mul(o[0], o[1], Rows{o[2].Data[:n], 0}, layout.rows, n) },
						func(in [][]float64, i, j int) float64 { return in[1][i] * in[2][j] }, 0, 6e-8)
					check(t, "affine "+name, o, n, func() {
						Affine(o[0], o[0], o[2].Data[:n], o[1].Data[:n], layout.rows, n, -4, 5)
					}, func(in [][]float64, i, j int) float64 { return min(max(in[0][i]*in[2][j]+in[1][j], -4), 5) }, 2e-6, 2e-7)
				}
			}
		}
	})
}

// check runs a kernel that writes o[0] and compares every element i, the j-th of its row,
// with what want makes of the operands as they were. The gaps and the other operands must
// stay.
func check(t *testing.T, name string, o []Rows, n int, run func(), want func(in [][]float64, i, j int) float64, absolute, relative float64) {
	t.Helper()
	in := make([][]float64, len(o))
	for i := range o {
		for _, v := range o[i].Data {
			in[i] = append(in[i], float64(v))
		}
	}
	run()
	for i := range o {
		for k, got := range o[i].Data {
			if j := k % o[i].Pitch; i == 0 && j < n {
				if w := want(in, k, j); !near(got, w, absolute, relative) {
					t.Fatalf("%s: element %d is %v, want %v", name, k, got, w)
				}
			} else if float64(got) != in[i][k] {
				t.Fatalf("%s: float %d of operand %d was written", name, k, i)
			}
		}
	}
	for k, v := range in[0] {
		o[0].Data[k] = float32(v)
	}
}

// FuzzAct gives the assembly arbitrary floats.
func FuzzAct(f *testing.F) {
	f.Add([]byte("\x00\x00\x80\x7f\x00\x00\xc0\xff\x01\x00\x00\x80\xff\xff\x7f\x7f 1234567890 abcdefghijklmnopqrstuvwxyz"))
	f.Fuzz(func(t *testing.T, data []byte) {
		src := make([]float32, len(data)/4)
		for i := range src {
			src[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		}
		n := len(src)
		dst := make([]float32, n)
		for isa := cpu.AVX2; isa <= cpu.Best; isa++ {
			restore := cpu.Force(isa)
			for _, fn := range functions {
				Act(fn.f, fn.slope, Rows{dst, n}, Rows{src, n}, 1, n)
				for i, x := range src {
					if want := clampToFloat(fn.ref(float64(x))); !near(dst[i], want, fn.absolute, fn.relative) {
						t.Errorf("%s(%v) = %v, want %v", fn.name, x, dst[i], want)
					}
				}
			}
			restore()
		}
	})
}

// clampToFloat makes what is too large for a float32 infinite.
func clampToFloat(x float64) float64 {
	if math.Abs(x) > math.MaxFloat32 {
		return math.Inf(int(math.Copysign(1, x)))
	}
	return x
}

func TestNothing(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		Act(SiLU, 0, Rows{}, Rows{}, 0, 5)
		Add(Rows{}, Rows{}, Rows{}, 5, 0, 0, 1)
		Mul(Rows{}, Rows{}, Rows{}, 0, 0)
		Affine(Rows{}, Rows{}, nil, nil, 0, 0, 0, 1)
	})
}

// What is shorter than it should be is refused, even if there is room behind it.
func TestShort(t *testing.T) {
	const rows, n = 2, 16
	long, short := Rows{make([]float32, rows*n), n}, Rows{make([]float32, rows*n-1, rows*n), n}
	row, shortRow := make([]float32, n), make([]float32, n-1, n)
	for name, f := range map[string]func(){
		"act's dst":      func() { Act(ReLU, 0, short, long, rows, n) },
		"act's src":      func() { Act(ReLU, 0, long, short, rows, n) },
		"add's dst":      func() { Add(short, long, long, rows, n, 0, 1) },
		"add's a":        func() { Add(long, short, long, rows, n, 0, 1) },
		"add's b":        func() { Add(long, long, short, rows, n, 0, 1) },
		"mul's dst":      func() { Mul(short, long, long, rows, n) },
		"mul's a":        func() { Mul(long, short, long, rows, n) },
		"mul's b":        func() { Mul(long, long, short, rows, n) },
		"affine's dst":   func() { Affine(short, long, row, row, rows, n, 0, 1) },
		"affine's src":   func() { Affine(long, short, row, row, rows, n, 0, 1) },
		"affine's scale": func() { Affine(long, long, shortRow, row, rows, n, 0, 1) },
		"affine's shift": func() { Affine(long, long, row, shortRow, rows, n, 0, 1) },
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

func BenchmarkAct(b *testing.B) {
	const n = 4096
	src, dst := make([]float32, n), make([]float32, n)
	for i := range src {
		src[i] = float32(i%97)/10 - 5
	}
	for _, fn := range functions {
		for isa := cpu.AVX2; isa <= cpu.Best; isa++ {
			b.Run(fmt.Sprintf("%s/%s", fn.name, isa), func(b *testing.B) {
				defer cpu.Force(isa)()
				for b.Loop() {
					Act(fn.f, 0.1, Rows{dst, n}, Rows{src, n}, 1, n)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/float")
			})
		}
	}
}
