package winograd

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

// matrices are those of an algorithm, as the papers have them.
type matrices struct{ b, a, g [][]float64 }

var variants = map[Variant]matrices{
	F2x2: {
		b: [][]float64{
			{1, 0, -1, 0},
			{0, 1, 1, 0},
			{0, -1, 1, 0},
			{0, 1, 0, -1},
		},
		a: [][]float64{
			{1, 1, 1, 0},
			{0, 1, -1, -1},
		},
		g: [][]float64{
			{1, 0, 0},
			{1. / 2, 1. / 2, 1. / 2},
			{1. / 2, -1. / 2, 1. / 2},
			{0, 0, 1},
		},
	},
	F4x4: {
		b: [][]float64{
			{4, 0, -5, 0, 1, 0},
			{0, -4, -4, 1, 1, 0},
			{0, 4, -4, -1, 1, 0},
			{0, -2, -1, 2, 1, 0},
			{0, 2, -1, -2, 1, 0},
			{0, 4, 0, -5, 0, 1},
		},
		a: [][]float64{
			{1, 1, 1, 1, 1, 0},
			{0, 1, -1, 2, -2, 0},
			{0, 1, 1, 4, 4, 0},
			{0, 1, -1, 8, -8, 1},
		},
		g: [][]float64{
			{1. / 4, 0, 0},
			{-1. / 6, -1. / 6, -1. / 6},
			{-1. / 6, 1. / 6, -1. / 6},
			{1. / 24, 1. / 12, 1. / 6},
			{1. / 24, -1. / 12, 1. / 6},
			{0, 0, 1},
		},
	},
}

// each calls f for all variants and instruction sets.
func each(t *testing.T, f func(t *testing.T, k Kernel)) {
	for v := range variants {
		t.Run(fmt.Sprintf("F%dx%d", v, v), func(t *testing.T) {
			cputest.Each(t, func(t *testing.T) { f(t, For(v, cpu.Level())) })
		})
	}
}

// between returns m x mᵀ for a square x.
func between(m [][]float64, x []float64) []float64 {
	n, k := len(m), len(m[0])
	y := make([]float64, n*n)
	for i := range n {
		for j := range n {
			for a := range k {
				for b := range k {
					y[i*n+j] += m[i][a] * x[a*k+b] * m[j][b]
				}
			}
		}
	}
	return y
}

func absolute(m [][]float64) [][]float64 {
	y := make([][]float64, len(m))
	for i, row := range m {
		for _, v := range row {
			y[i] = append(y[i], math.Abs(v))
		}
	}
	return y
}

// What the transforms come to is the convolution.
func TestIsConvolution(t *testing.T) {
	for v, matrix := range variants {
		rng := rand.New(rand.NewPCG(1, 1))
		g := floats(rng, Taps)
		d := make([]float64, v.Planes())
		for i := range d {
			d[i] = rng.NormFloat64()
		}
		u := make([]float32, v.Planes())
		For(v, cpu.Generic).Weights(&Weights{Src: g, SrcStep: 1, Dst: u, DstStep: 1, N: 1})
		m := between(matrix.b, d)
		for i := range m {
			m[i] *= float64(u[i])
		}
		got := between(matrix.a, m)
		for y := range v.Out() {
			for x := range v.Out() {
				want := 0.0
				for ky := range 3 {
					for kx := range 3 {
						want += float64(g[3*ky+kx]) * d[(y+ky)*v.In()+x+kx]
					}
				}
				if got := got[y*v.Out()+x]; !(math.Abs(got-want) < 1e-5) {
					t.Errorf("%d pixels a side: pixel %d,%d is %v, want %v", v, y, x, got, want)
				}
			}
		}
	}
}

func TestWeights(t *testing.T) {
	each(t, func(t *testing.T, k Kernel) {
		rng := rand.New(rand.NewPCG(2, 2))
		for side, place := range places {
			for n := 1; n <= 50; n++ {
				for _, gap := range []int{0, 5} {
					checkWeights(t, k, rng, side, place, n, n+gap)
				}
			}
		}
	})
}

// checkWeights transforms n kernels; step apart are taps, and so are planes.
func checkWeights(t *testing.T, k Kernel, rng *rand.Rand, side string, place func(testing.TB, int) []float32, n, step int) {
	w := Weights{Src: place(t, (Taps-1)*step+n), SrcStep: step, Dst: place(t, (k.Planes()-1)*step+n), DstStep: step, N: n}
	copy(w.Src, floats(rng, len(w.Src)))
	for i := range w.Dst {
		w.Dst[i] = canary
	}
	k.Weights(&w)
	for i := range step {
		g := make([]float64, Taps)
		for tap := range g {
			if at := tap*step + i; i < n {
				g[tap] = float64(w.Src[at])
			}
		}
		for plane, want := range between(variants[k.Variant].g, g) {
			at := plane*step + i
			if i >= n {
				want = canary
			}
			if at >= len(w.Dst) {
				continue
			}
			if got := float64(w.Dst[at]); math.Abs(got-want) > 0x1p-23*math.Abs(want) {
				t.Fatalf("%s, %d kernels, %d apart: element %d of kernel %d is %v, want %v", side, n, step, plane, i, got, want)
			}
		}
	}
}

// All instruction sets have the same weights.
func TestWeightsAgree(t *testing.T) {
	const n = 67
	g := floats(rand.New(rand.NewPCG(3, 3)), Taps*n)
	want := map[Variant][]float32{}
	each(t, func(t *testing.T, k Kernel) {
		w := Weights{Src: g, SrcStep: n, Dst: make([]float32, k.Planes()*n), DstStep: n, N: n}
		k.Weights(&w)
		if want[k.Variant] == nil {
			want[k.Variant] = w.Dst
		} else if !slices.Equal(w.Dst, want[k.Variant]) {
			t.Error("not the weights of another instruction set")
		}
	})
}

// A bias on its plane ends up in every pixel, exactly.
func TestBiasPlane(t *testing.T) {
	for v, matrix := range variants {
		m := make([]float64, v.Planes())
		m[v.BiasPlane()] = 0.1
		for i, got := range between(matrix.a, m) {
			if got != 0.1 {
				t.Errorf("%d pixels a side: pixel %d is %v", v, i, got)
			}
		}
	}
}

func floats(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

const canary = 12345

// places are where memory begins, and ends, beside a page that traps.
var places = map[string]func(testing.TB, int) []float32{"before": guard.Before, "after": guard.After}

func pitchOf(channels int) int { return (channels + Align - 1) / Align * Align }

func TestInput(t *testing.T) {
	each(t, func(t *testing.T, k Kernel) {
		matrix := variants[k.Variant].b
		size := absolute(matrix)
		rng := rand.New(rand.NewPCG(3, 3))
		for name, place := range places {
			for channels := 1; channels <= 40; channels++ {
				src := place(t, k.Planes()*channels)
				copy(src, floats(rng, len(src)))
				in := &Input{
					Src: src, Channels: channels, Pitch: pitchOf(channels),
					Dst: place(t, k.Planes()*pitchOf(channels)),
				}
				for _, pixel := range rng.Perm(k.Planes()) {
					in.Offsets = append(in.Offsets, 4*pixel*channels)
				}
				k.Input(in)
				for c := range channels {
					d := make([]float64, k.Planes())
					for i := range d {
						d[i] = float64(src[in.Offsets[i]/4+c])
					}
					want, bound := between(matrix, d), between(size, abs(d))
					for p := range k.Planes() {
						if e := math.Abs(float64(in.Dst[p*in.Pitch+c]) - want[p]); !(e <= 8*0x1p-24*bound[p]) {
							t.Fatalf("%s, %d channels: plane %d of channel %d is %v, want %v", name, channels, p, c, in.Dst[p*in.Pitch+c], want[p])
						}
					}
				}
			}
		}
	})
}

func abs(x []float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = math.Abs(v)
	}
	return y
}

// randomOutput is a tile whose pixels lie between canaries.
func randomOutput(k Kernel, rng *rand.Rand, place func(int) []float32, rows, cols, channels int, residual bool) *Output {
	o := &Output{
		Src: place(k.Planes() * pitchOf(channels)), Pitch: pitchOf(channels), Channels: channels, Rows: rows, Cols: cols,
		DstPitch: channels + rng.IntN(3),
		Lo:       float32(math.Inf(-1)), Hi: float32(math.Inf(1)),
	}
	copy(o.Src, floats(rng, len(o.Src)))
	o.DstLine = cols*o.DstPitch + rng.IntN(9)
	o.Dst = place((rows-1)*o.DstLine + (cols-1)*o.DstPitch + channels)
	for i := range o.Dst {
		o.Dst[i] = canary
	}
	if residual {
		o.ResidualPitch = channels + rng.IntN(3)
		o.ResidualLine = cols*o.ResidualPitch + rng.IntN(9)
		o.Residual = place((rows-1)*o.ResidualLine + (cols-1)*o.ResidualPitch + channels)
		copy(o.Residual, floats(rng, len(o.Residual)))
	}
	return o
}

// check compares with the definition, for a residual as it was before.
func (o *Output) check(t *testing.T, k Kernel, residual []float32) {
	t.Helper()
	matrix := variants[k.Variant].a
	type pixel struct{ want, bound float64 }
	pixels := map[int]pixel{} // by their place in Dst
	for c := range o.Channels {
		m := make([]float64, k.Planes())
		for i := range m {
			m[i] = float64(o.Src[i*o.Pitch+c])
		}
		want, bound := between(matrix, m), between(absolute(matrix), abs(m))
		for y := range o.Rows {
			for x := range o.Cols {
				w, b := want[y*k.Out()+x], bound[y*k.Out()+x]
				if residual != nil {
					r := float64(residual[y*o.ResidualLine+x*o.ResidualPitch+c])
					w += r
					b += math.Abs(r)
				}
				pixels[y*o.DstLine+x*o.DstPitch+c] = pixel{min(max(w, float64(o.Lo)), float64(o.Hi)), 10 * 0x1p-24 * b}
			}
		}
	}
	for i, v := range o.Dst {
		p, ok := pixels[i]
		if !ok {
			p = pixel{canary, 0}
		}
		if e := math.Abs(float64(v) - p.want); !(e <= p.bound) {
			t.Fatalf("%dx%d of %d channels, pitch %d, line %d, residual %v, bounds %v to %v: float %d is %v, want %v",
				o.Rows, o.Cols, o.Channels, o.DstPitch, o.DstLine, residual != nil, o.Lo, o.Hi, i, v, p.want)
		}
	}
}

func TestOutput(t *testing.T) {
	each(t, func(t *testing.T, k Kernel) {
		rng := rand.New(rand.NewPCG(4, 4))
		for name, place := range places {
			t.Run(name, func(t *testing.T) {
				for channels := 1; channels <= 40; channels++ {
					for shape := range k.Out() * k.Out() {
						o := randomOutput(k, rng, func(n int) []float32 { return place(t, n) }, 1+shape/k.Out(), 1+shape%k.Out(), channels, (shape+channels)%2 == 0)
						switch rng.IntN(3) {
						case 1:
							o.Lo = 0
						case 2:
							o.Lo, o.Hi = -1, 2
						}
						k.Output(o)
						o.check(t, k, o.Residual)
					}
				}
			})
		}
	})
}

func TestResidualInPlace(t *testing.T) {
	each(t, func(t *testing.T, k Kernel) {
		for _, channels := range []int{5, 16, 33} {
			o := randomOutput(k, rand.New(rand.NewPCG(5, 5)), func(n int) []float32 { return make([]float32, n) }, k.Out(), k.Out()-1, channels, true)
			before := append([]float32(nil), o.Residual...)
			o.Dst, o.DstLine, o.DstPitch = o.Residual, o.ResidualLine, o.ResidualPitch
			k.Output(o)
			for i := range o.Dst {
				if y, x := i/o.DstLine, i%o.DstLine/o.DstPitch; x >= o.Cols || i%o.DstLine%o.DstPitch >= channels || y >= o.Rows {
					if o.Dst[i] != before[i] {
						t.Fatalf("float %d, between pixels, was written", i)
					}
					o.Dst[i] = canary
				}
			}
			o.check(t, k, before)
		}
	})
}

func TestNaNStays(t *testing.T) {
	nan := float32(math.NaN())
	each(t, func(t *testing.T, k Kernel) {
		for _, where := range []string{"Src", "Residual"} {
			o := randomOutput(k, rand.New(rand.NewPCG(6, 6)), func(n int) []float32 { return make([]float32, n) }, 1, 1, 1, true)
			o.Lo, o.Hi = 0, 6
			map[string][]float32{"Src": o.Src, "Residual": o.Residual}[where][0] = nan
			k.Output(o)
			if got := o.Dst[0]; got == got {
				t.Errorf("NaN in %s became %v", where, got)
			}
		}
	})
}

func TestArgumentsAreChecked(t *testing.T) {
	each(t, func(t *testing.T, k Kernel) {
		refused := func(what string, f func()) {
			t.Helper()
			defer func() {
				if recover() == nil {
					t.Errorf("wrong %s went unnoticed", what)
				}
			}()
			f()
		}
		for what, spoil := range map[string]func(in *Input){
			"channels":    func(in *Input) { in.Channels = in.Pitch + 1 },
			"no channels": func(in *Input) { in.Channels = 0 },
			"pitch":       func(in *Input) { in.Pitch = 15 },
			"offsets":     func(in *Input) { in.Offsets = in.Offsets[1:] },
			"dst":         func(in *Input) { in.Dst = in.Dst[1:] },
		} {
			in := &Input{Src: make([]float32, 16), Channels: 7, Pitch: 16, Offsets: make([]int, k.Planes()), Dst: make([]float32, k.Planes()*16)}
			spoil(in)
			refused(what, func() { k.Input(in) })
		}
		for what, spoil := range map[string]func(o *Output){
			"channels":    func(o *Output) { o.Channels = o.Pitch + 1 },
			"no channels": func(o *Output) { o.Channels = 0 },
			"pitch":       func(o *Output) { o.Pitch++ },
			"src":         func(o *Output) { o.Src = o.Src[1:] },
			"rows":        func(o *Output) { o.Rows = k.Out() + 1 },
			"no cols":     func(o *Output) { o.Cols = 0 },
			"dst":         func(o *Output) { o.Dst = o.Dst[1:] },
			"line":        func(o *Output) { o.DstLine = -1 },
			"residual":    func(o *Output) { o.Residual = o.Residual[1:] },
		} {
			o := randomOutput(k, rand.New(rand.NewPCG(7, 7)), func(n int) []float32 { return make([]float32, n) }, k.Out()-1, k.Out(), 9, true)
			spoil(o)
			refused(what, func() { k.Output(o) })
		}
	})
}

func TestAllocatesNothing(t *testing.T) {
	each(t, func(t *testing.T, k Kernel) {
		src, offsets, v := make([]float32, 16), make([]int, k.Planes()), make([]float32, k.Planes()*16)
		dst := make([]float32, 16*16)
		if n := testing.AllocsPerRun(10, func() {
			k.Input(&Input{Src: src, Channels: 7, Pitch: 16, Offsets: offsets, Dst: v})
			k.Output(&Output{Src: v, Pitch: 16, Channels: 7, Rows: k.Out(), Cols: k.Out(), Dst: dst, DstLine: 64, DstPitch: 16})
		}); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}

func BenchmarkTransforms(b *testing.B) {
	const channels = 64
	for v := range variants {
		for isa := cpu.Generic; isa <= cpu.Best; isa++ {
			k := For(v, isa)
			in := &Input{Src: make([]float32, k.Planes()*channels), Channels: channels, Pitch: channels + 16, Dst: make([]float32, k.Planes()*(channels+16))}
			for i := range k.Planes() {
				in.Offsets = append(in.Offsets, 4*i*channels)
			}
			out := &Output{Src: in.Dst, Pitch: in.Pitch, Channels: channels, Rows: k.Out(), Cols: k.Out(),
				Dst: make([]float32, 16*channels), DstLine: 4 * channels, DstPitch: channels, Hi: float32(math.Inf(1))}
			b.Run(fmt.Sprintf("F%dx%d/%s/in", v, v, isa), func(b *testing.B) {
				for b.Loop() {
					k.Input(in)
				}
			})
			b.Run(fmt.Sprintf("F%dx%d/%s/out", v, v, isa), func(b *testing.B) {
				for b.Loop() {
					k.Output(out)
				}
			})
		}
	}
}
