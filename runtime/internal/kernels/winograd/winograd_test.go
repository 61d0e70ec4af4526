package winograd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/cpu/cputest"
	"github.com/cnnc-dev/cnnc/runtime/internal/guard"
)

// The matrices of the algorithm, as the papers have them.
var (
	matrixB = [][]float64{
		{4, 0, -5, 0, 1, 0},
		{0, -4, -4, 1, 1, 0},
		{0, 4, -4, -1, 1, 0},
		{0, -2, -1, 2, 1, 0},
		{0, 2, -1, -2, 1, 0},
		{0, 4, 0, -5, 0, 1},
	}
	matrixA = [][]float64{
		{1, 1, 1, 1, 1, 0},
		{0, 1, -1, 2, -2, 0},
		{0, 1, 1, 4, 4, 0},
		{0, 1, -1, 8, -8, 1},
	}
	matrixG = [][]float64{
		{1. / 4, 0, 0},
		{-1. / 6, -1. / 6, -1. / 6},
		{-1. / 6, 1. / 6, -1. / 6},
		{1. / 24, 1. / 12, 1. / 6},
		{1. / 24, -1. / 12, 1. / 6},
		{0, 0, 1},
	}
)

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
	rng := rand.New(rand.NewPCG(1, 1))
	g := floats(rng, 9)
	d := make([]float64, Planes)
	for i := range d {
		d[i] = rng.NormFloat64()
	}
	m := between(matrixB, d)
	for i, u := range Weights(g) {
		m[i] *= float64(u)
	}
	got := between(matrixA, m)
	for y := range Out {
		for x := range Out {
			want := 0.0
			for ky := range 3 {
				for kx := range 3 {
					want += float64(g[3*ky+kx]) * d[(y+ky)*In+x+kx]
				}
			}
			if e := math.Abs(got[y*Out+x] - want); !(e < 1e-5) {
				t.Errorf("pixel %d,%d is %v, want %v", y, x, got[y*Out+x], want)
			}
		}
	}
}

func TestWeights(t *testing.T) {
	g := floats(rand.New(rand.NewPCG(2, 2)), 9)
	wide := make([]float64, 9)
	for i, v := range g {
		wide[i] = float64(v)
	}
	want := between(matrixG, wide)
	for i, u := range Weights(g) {
		if w := float32(want[i]); math.Abs(float64(u-w)) > 0x1p-23*math.Abs(float64(w)) {
			t.Errorf("element %d is %v, want %v", i, u, w)
		}
	}
}

// A bias on its plane ends up in every pixel, exactly.
func TestBiasPlane(t *testing.T) {
	m := make([]float64, Planes)
	m[BiasPlane] = 0.1
	for i, v := range between(matrixA, m) {
		if v != 0.1 {
			t.Errorf("pixel %d is %v", i, v)
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
	size := absolute(matrixB)
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 3))
		k := For(cpu.Level())
		for name, place := range places {
			for channels := 1; channels <= 40; channels++ {
				src := place(t, Planes*channels)
				copy(src, floats(rng, len(src)))
				in := &Input{
					Src: src, Channels: channels, Pitch: pitchOf(channels),
					Dst: place(t, Planes*pitchOf(channels)),
				}
				for _, pixel := range rng.Perm(Planes) {
					in.Offsets = append(in.Offsets, 4*pixel*channels)
				}
				k.Input(in)
				for c := range channels {
					d := make([]float64, Planes)
					for i := range d {
						d[i] = float64(src[in.Offsets[i]/4+c])
					}
					want, bound := between(matrixB, d), between(size, abs(d))
					for p := range Planes {
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
func randomOutput(rng *rand.Rand, place func(int) []float32, rows, cols, channels int, residual bool) *Output {
	o := &Output{
		Src: place(Planes * pitchOf(channels)), Pitch: pitchOf(channels), Channels: channels, Rows: rows, Cols: cols,
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
func (o *Output) check(t *testing.T, residual []float32) {
	t.Helper()
	type pixel struct{ want, bound float64 }
	pixels := map[int]pixel{} // by their place in Dst
	for c := range o.Channels {
		m := make([]float64, Planes)
		for i := range m {
			m[i] = float64(o.Src[i*o.Pitch+c])
		}
		want, bound := between(matrixA, m), between(absolute(matrixA), abs(m))
		for y := range o.Rows {
			for x := range o.Cols {
				w, b := want[y*Out+x], bound[y*Out+x]
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
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(4, 4))
		k := For(cpu.Level())
		for name, place := range places {
			t.Run(name, func(t *testing.T) {
				for channels := 1; channels <= 40; channels++ {
					for shape := range Out * Out {
						o := randomOutput(rng, func(n int) []float32 { return place(t, n) }, 1+shape/Out, 1+shape%Out, channels, (shape+channels)%2 == 0)
						switch rng.IntN(3) {
						case 1:
							o.Lo = 0
						case 2:
							o.Lo, o.Hi = -1, 2
						}
						k.Output(o)
						o.check(t, o.Residual)
					}
				}
			})
		}
	})
}

func TestResidualInPlace(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		for _, channels := range []int{5, 16, 33} {
			o := randomOutput(rand.New(rand.NewPCG(5, 5)), func(n int) []float32 { return make([]float32, n) }, 4, 3, channels, true)
			before := append([]float32(nil), o.Residual...)
			o.Dst, o.DstLine, o.DstPitch = o.Residual, o.ResidualLine, o.ResidualPitch
			gaps := map[int]bool{}
			for i := range o.Dst {
				gaps[i] = true
			}
			For(cpu.Level()).Output(o)
			for i := range o.Dst {
				if y, x := i/o.DstLine, i%o.DstLine/o.DstPitch; x >= o.Cols || i%o.DstLine%o.DstPitch >= channels || y >= o.Rows {
					if o.Dst[i] != before[i] {
						t.Fatalf("float %d, between pixels, was written", i)
					}
					o.Dst[i] = canary
				}
			}
			o.check(t, before)
		}
	})
}

func TestNaNStays(t *testing.T) {
	nan := float32(math.NaN())
	cputest.Each(t, func(t *testing.T) {
		for _, where := range []string{"Src", "Residual"} {
			o := randomOutput(rand.New(rand.NewPCG(6, 6)), func(n int) []float32 { return make([]float32, n) }, 1, 1, 1, true)
			o.Lo, o.Hi = 0, 6
			map[string][]float32{"Src": o.Src, "Residual": o.Residual}[where][0] = nan
			For(cpu.Level()).Output(o)
			if got := o.Dst[0]; got == got {
				t.Errorf("NaN in %s became %v", where, got)
			}
		}
	})
}

func TestArgumentsAreChecked(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		k := For(cpu.Level())
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
			in := &Input{Src: make([]float32, 16), Channels: 7, Pitch: 16, Offsets: make([]int, Planes), Dst: make([]float32, Planes*16)}
			spoil(in)
			refused(what, func() { k.Input(in) })
		}
		for what, spoil := range map[string]func(o *Output){
			"channels":    func(o *Output) { o.Channels = o.Pitch + 1 },
			"no channels": func(o *Output) { o.Channels = 0 },
			"pitch":       func(o *Output) { o.Pitch++ },
			"src":         func(o *Output) { o.Src = o.Src[1:] },
			"rows":        func(o *Output) { o.Rows = 5 },
			"no cols":     func(o *Output) { o.Cols = 0 },
			"dst":         func(o *Output) { o.Dst = o.Dst[1:] },
			"line":        func(o *Output) { o.DstLine = -1 },
			"residual":    func(o *Output) { o.Residual = o.Residual[1:] },
		} {
			o := randomOutput(rand.New(rand.NewPCG(7, 7)), func(n int) []float32 { return make([]float32, n) }, 3, 4, 9, true)
			spoil(o)
			refused(what, func() { k.Output(o) })
		}
	})
}

func TestAllocatesNothing(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		k := For(cpu.Level())
		src, offsets, v := make([]float32, 16), make([]int, Planes), make([]float32, Planes*16)
		dst := make([]float32, 16*16)
		if n := testing.AllocsPerRun(10, func() {
			k.Input(&Input{Src: src, Channels: 7, Pitch: 16, Offsets: offsets, Dst: v})
			k.Output(&Output{Src: v, Pitch: 16, Channels: 7, Rows: 4, Cols: 4, Dst: dst, DstLine: 64, DstPitch: 16})
		}); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}

func BenchmarkTransforms(b *testing.B) {
	const channels = 64
	for isa := cpu.Generic; isa <= cpu.Best; isa++ {
		k := For(isa)
		in := &Input{Src: make([]float32, Planes*channels), Channels: channels, Pitch: channels + 16, Dst: make([]float32, Planes*(channels+16))}
		for i := range Planes {
			in.Offsets = append(in.Offsets, 4*i*channels)
		}
		out := &Output{Src: in.Dst, Pitch: in.Pitch, Channels: channels, Rows: 4, Cols: 4,
			Dst: make([]float32, 16*channels), DstLine: 4 * channels, DstPitch: channels, Hi: float32(math.Inf(1))}
		b.Run(fmt.Sprintf("%s/in", isa), func(b *testing.B) {
			for b.Loop() {
				k.Input(in)
			}
		})
		b.Run(fmt.Sprintf("%s/out", isa), func(b *testing.B) {
			for b.Loop() {
				k.Output(out)
			}
		})
	}
}
