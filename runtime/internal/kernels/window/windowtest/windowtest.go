// Package windowtest checks convolution kernels against package ref, at their edges.
package windowtest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/cpu/cputest"
	"github.com/cnnc-dev/cnnc/runtime/internal/guard"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/window"
	"github.com/cnnc-dev/cnnc/runtime/ref"
)

// Layer is a convolution to test.
type Layer struct {
	window.Geometry
	In, Out, Groups int // channels; groups
}

func (l Layer) String() string {
	g := l.Geometry
	return fmt.Sprintf("%dx%dx%d-%dx%dx%d/g%d/k%dx%d/s%dx%d/d%dx%d/p%d,%d", l.In, g.InH, g.InW, l.Out, g.OutH, g.OutW, l.Groups,
		g.KernelH, g.KernelW, g.StrideH, g.StrideW, g.DilationH, g.DilationW, g.PadTop, g.PadLeft)
}

// Geometry completes a geometry of square kernel, stride and dilation with its output
// size. There may be no output.
func Geometry(inH, inW, kernel, stride, dilation, top, left, bottom, right int) window.Geometry {
	reach := (kernel-1)*dilation + 1
	return window.Geometry{
		InH: inH, InW: inW,
		OutH: out(inH+top+bottom, reach, stride), OutW: out(inW+left+right, reach, stride),
		KernelH: kernel, KernelW: kernel,
		StrideH: stride, StrideW: stride,
		DilationH: dilation, DilationW: dilation,
		PadTop: top, PadLeft: left,
	}
}

func out(padded, reach, stride int) int {
	if padded < reach {
		return 0
	}
	return (padded-reach)/stride + 1
}

// Geometries returns maps of up to 17 pixels a side under kernels of the given size,
// stride and dilation, with padding from none to more than the kernel needs.
func Geometries(kernel, stride, dilation int) []window.Geometry {
	var gs []window.Geometry
	same := (kernel - 1) * dilation / 2
	for size := 1; size <= 17; size++ {
		for _, p := range [][4]int{{}, {same, same, same, same}, {0, 1, same, 0}, {same + 1, 0, 1, same}, {0, same + 2, 0, same + 2}, {kernel + 2, kernel + 1, 0, 2}} {
			g := Geometry(1+size%3*size/2, size, kernel, stride, dilation, p[0], p[1], p[2], p[3])
			if g.OutH > 0 && g.OutW > 0 {
				gs = append(gs, g)
			}
		}
	}
	return gs
}

// Weights returns random weights [out][in/groups][kernel row][kernel column] and biases.
func (l Layer) Weights(rng *rand.Rand) (weights, bias []float32) {
	weights = make([]float32, l.Out*l.In/l.Groups*l.Taps())
	bias = make([]float32, l.Out)
	fill(rng, weights)
	fill(rng, bias)
	return weights, bias
}

func fill(rng *rand.Rand, s []float32) {
	for i := range s {
		s[i] = float32(rng.NormFloat64())
	}
}

// Levels calls f under every instruction set, as cputest.Each does.
func Levels(t *testing.T, f func(t *testing.T, isa cpu.ISA)) {
	cputest.Each(t, func(t *testing.T) { f(t, cpu.Level()) })
}

// canary is between the pixels and around the output.
var canary = math.Float32frombits(0x7fc0beef)

// place returns a map of random pixels that lies against an unmapped page, at its
// front or at its end, with canaries between the pixels.
func place(t *testing.T, rng *rand.Rand, pixels, channels, pitch int, front bool) window.Map {
	n := (pixels-1)*pitch + channels
	data := guard.After(t, n)
	if front {
		data = guard.Before(t, n)
	}
	for i := range data {
		data[i] = canary
		if i%pitch < channels {
			data[i] = float32(rng.NormFloat64())
		}
	}
	return window.Map{Data: data, Pitch: pitch}
}

// Check runs a layer in calls of some rows and channels each, with and without
// residual and clamps, and compares with ref. step is what channel ranges are
// multiples of.
func (l Layer) Check(t *testing.T, weights, bias []float32, step int, run func(*window.Call)) {
	t.Helper()
	for variant := range 4 {
		t.Run(fmt.Sprintf("%v/%d", l, variant), func(t *testing.T) { l.check(t, variant, weights, bias, step, run) })
	}
}

func (l Layer) check(t *testing.T, variant int, weights, bias []float32, step int, run func(*window.Call)) {
	rng := rand.New(rand.NewPCG(1, uint64(l.InW)))
	front := variant%2 == 0
	pixels := l.OutH * l.OutW
	src := place(t, rng, l.InH*l.InW, l.In, l.In+3*variant, front)
	dst := place(t, rng, pixels, l.Out, l.Out+5*variant, front)
	call := window.Call{Dst: dst, Src: src, Clamp: window.Clamp(variant % 3), Lower: -0.5, Upper: 1}
	switch variant {
	case 1:
		call.Residual = place(t, rng, pixels, l.Out, l.Out+1, front)
	case 2:
		call.Residual = dst
	}
	if call.Clamp != window.NoClamp {
		src.Data[len(src.Data)/2/src.Pitch*src.Pitch] = float32(math.NaN()) // goes through clamps, to its own group
	}
	want, scale := l.reference(src, call.Residual, weights, bias)
	before := slices.Clone(src.Data)

	first, rows, channels := l.OutH, l.OutH, l.Out // rows of the first call, and of the others
	switch variant {
	case 2:
		first, rows, channels = 4, 4, step
	case 3:
		first, rows, channels = 1, 4, step
	}
	call.ToY = 0
	for call.ToY < l.OutH {
		call.FromY, call.ToY = call.ToY, min(call.ToY+first, l.OutH)
		first = rows
		for c := 0; c < l.Out; c += channels {
			call.FromC, call.ToC = c, min(c+channels, l.Out)
			run(&call)
		}
	}

	if !slices.EqualFunc(before, src.Data, same) {
		t.Fatal("src was written")
	}
	for i, got := range dst.Data {
		pixel, c := i/dst.Pitch, i%dst.Pitch
		if c >= l.Out {
			if !same(got, canary) {
				t.Fatalf("written behind the channels of pixel %d", pixel)
			}
			continue
		}
		w, tolerance := want[c*pixels+pixel], scale[c*pixels+pixel]*0x1p-24*float64(l.In/l.Groups*l.Taps()+2)
		if call.Clamp >= window.FromBelow {
			w = max(w, float64(call.Lower))
		}
		if call.Clamp >= window.OnBothSides {
			w = min(w, float64(call.Upper))
		}
		if !(math.Abs(float64(got)-w) <= tolerance || math.IsNaN(w) && math.IsNaN(float64(got))) {
			t.Fatalf("pixel %d,%d channel %d is %v, want %v within %v",
				pixel/l.OutW, pixel%l.OutW, c, got, w, tolerance)
		}
	}
}

func same(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }

// reference returns what a layer computes before the clamp, NCHW, and the sums of
// the terms' magnitudes.
func (l Layer) reference(src, residual window.Map, weights, bias []float32) (want, scale []float64) {
	p := ref.ConvParams{
		In: ref.Dims{N: 1, C: l.In, H: l.InH, W: l.InW}, Out: ref.Dims{N: 1, C: l.Out, H: l.OutH, W: l.OutW},
		Window: ref.Window{KH: l.KernelH, KW: l.KernelW, StrideH: l.StrideH, StrideW: l.StrideW,
			DilationH: l.DilationH, DilationW: l.DilationW, Top: l.PadTop, Left: l.PadLeft},
		Groups: l.Groups,
	}
	x, w, b := planes(src, l.In), wide(weights), wide(bias)
	want, scale = make([]float64, p.Out.Len()), make([]float64, p.Out.Len())
	ref.Conv(want, x, w, b, p)
	ref.Conv(scale, magnitudes(x), magnitudes(w), magnitudes(b), p)
	if residual.Data != nil {
		for i, v := range planes(residual, l.Out) {
			want[i] += v
			scale[i] += math.Abs(v)
		}
	}
	return want, scale
}

// planes returns a map in NCHW order.
func planes(m window.Map, channels int) []float64 {
	pixels := (len(m.Data)-channels)/m.Pitch + 1
	w := make([]float64, channels*pixels)
	for c := range channels {
		for p := range pixels {
			w[c*pixels+p] = float64(m.Data[p*m.Pitch+c])
		}
	}
	return w
}

func wide(s []float32) []float64 {
	w := make([]float64, len(s))
	for i, v := range s {
		w[i] = float64(v)
	}
	return w
}

func magnitudes(s []float64) []float64 {
	m := make([]float64, len(s))
	for i, v := range s {
		m[i] = math.Abs(v)
	}
	return m
}
