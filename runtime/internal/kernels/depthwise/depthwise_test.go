package depthwise

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/window"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/window/windowtest"
)

func TestRun(t *testing.T) {
	windowtest.Levels(t, func(t *testing.T, isa cpu.ISA) {
		rng := rand.New(rand.NewPCG(1, 2))
		for _, k := range []struct{ kernel, stride, dilation int }{
			{3, 1, 1}, {3, 2, 1}, {5, 1, 1}, {5, 2, 1}, {7, 1, 1}, {7, 2, 1},
			{1, 1, 1}, {2, 2, 1}, {3, 3, 1}, {3, 1, 2}, {3, 2, 3}, {4, 1, 1}, {9, 1, 1},
		} {
			channels := 0
			for _, g := range windowtest.Geometries(k.kernel, k.stride, k.dilation) {
				channels = channels%49 + 1
				l := windowtest.Layer{Geometry: g, In: channels, Out: channels, Groups: channels}
				check(t, isa, rng, l)
			}
		}
	})
}

// TestChannels goes through the tails, over several blocks.
func TestChannels(t *testing.T) {
	windowtest.Levels(t, func(t *testing.T, isa cpu.ISA) {
		rng := rand.New(rand.NewPCG(3, 4))
		for channels := 1; channels <= 100; channels++ {
			for _, kernel := range []int{2, 3} {
				g := windowtest.Geometry(3, 9, kernel, 1, 1, 1, 1, 1, 1)
				check(t, isa, rng, windowtest.Layer{Geometry: g, In: channels, Out: channels, Groups: channels})
			}
		}
	})
}

// TestOblong has kernels, strides and dilations that differ between the axes.
func TestOblong(t *testing.T) {
	windowtest.Levels(t, func(t *testing.T, isa cpu.ISA) {
		rng := rand.New(rand.NewPCG(5, 6))
		for _, g := range []window.Geometry{
			{InH: 6, InW: 10, OutH: 6, OutW: 10, KernelH: 1, KernelW: 3, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, PadLeft: 1},
			{InH: 6, InW: 10, OutH: 3, OutW: 10, KernelH: 5, KernelW: 1, StrideH: 2, StrideW: 1, DilationH: 1, DilationW: 1, PadTop: 2},
			{InH: 9, InW: 15, OutH: 9, OutW: 8, KernelH: 3, KernelW: 3, StrideH: 1, StrideW: 2, DilationH: 4, DilationW: 1, PadTop: 4, PadLeft: 1},
			{InH: 9, InW: 15, OutH: 5, OutW: 15, KernelH: 3, KernelW: 5, StrideH: 2, StrideW: 1, DilationH: 1, DilationW: 3, PadTop: 1, PadLeft: 6},
		} {
			check(t, isa, rng, windowtest.Layer{Geometry: g, In: 37, Out: 37, Groups: 37})
		}
	})
}

func check(t *testing.T, isa cpu.ISA, rng *rand.Rand, l windowtest.Layer) {
	t.Helper()
	weights, bias := l.Weights(rng)
	c := New(isa, l.Geometry, l.In, weights, bias, windowtest.Floats)
	l.Check(t, weights, bias, Step, c.Run)
}

// shapes are layers of MobileNet v1 and v2, EfficientNet-B0 and ConvNeXt-T.
var shapes = []struct{ size, channels, kernel, stride int }{
	{112, 32, 3, 1}, {112, 64, 3, 2}, {56, 128, 3, 1}, {56, 128, 3, 2}, {28, 256, 3, 1}, {14, 512, 3, 1}, {14, 512, 3, 2}, {7, 1024, 3, 1},
	{112, 96, 3, 2}, {56, 144, 3, 1}, {28, 192, 3, 1}, {14, 384, 3, 1}, {14, 576, 3, 1}, {7, 960, 3, 1},
	{56, 144, 5, 2}, {28, 240, 5, 1}, {14, 480, 5, 1}, {14, 672, 5, 2}, {7, 1152, 5, 1},
	{56, 96, 7, 1}, {28, 192, 7, 1}, {14, 384, 7, 1}, {7, 768, 7, 1},
	// In the first-level cache.
	{14, 16, 3, 1}, {14, 16, 3, 2}, {14, 16, 5, 1}, {14, 16, 5, 2}, {14, 16, 7, 1},
}

func BenchmarkRun(b *testing.B) {
	for _, s := range shapes {
		p := s.kernel / 2
		l := windowtest.Layer{Geometry: windowtest.Geometry(s.size, s.size, s.kernel, s.stride, 1, p, p, p, p), In: s.channels, Out: s.channels, Groups: s.channels}
		b.Run(fmt.Sprintf("%dx%dx%d/k%d/s%d", s.size, s.size, s.channels, s.kernel, s.stride), func(b *testing.B) {
			weights, bias := l.Weights(rand.New(rand.NewPCG(1, 1)))
			isa := cpu.Level()
			l.Benchmark(b, isa, New(isa, l.Geometry, l.In, weights, bias, windowtest.Floats).Run)
		})
	}
}
