package grouped

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/window"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/window/windowtest"
)

// groups are channels of a group, in and out.
var groups = [][2]int{{2, 2}, {4, 4}, {8, 8}, {16, 16}, {2, 16}, {6, 24}, {24, 17}, {32, 32}}

func TestRun(t *testing.T) {
	windowtest.Levels(t, func(t *testing.T, isa cpu.ISA) {
		rng := rand.New(rand.NewPCG(1, 2))
		turn := 0
		for _, k := range []struct{ kernel, stride, dilation int }{
			{3, 1, 1}, {3, 2, 1}, {1, 1, 1}, {2, 2, 1}, {5, 1, 1}, {3, 1, 2}, {3, 3, 2},
		} {
			for _, g := range windowtest.Geometries(k.kernel, k.stride, k.dilation) {
				per := groups[turn%len(groups)]
				check(t, isa, rng, g, per, 1+turn%5)
				turn++
			}
		}
	})
}

// TestGroups goes through the tails of each kernel.
func TestGroups(t *testing.T) {
	windowtest.Levels(t, func(t *testing.T, isa cpu.ISA) {
		rng := rand.New(rand.NewPCG(3, 4))
		for _, per := range groups {
			for n := 1; n <= 9; n++ {
				check(t, isa, rng, windowtest.Geometry(2, 9, 3, 1, 1, 1, 1, 1, 1), per, n)
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
		} {
			for _, per := range groups {
				check(t, isa, rng, g, per, 3)
			}
		}
	})
}

// TestLargeOutput has output whose lines kernels ask for before they write.
func TestLargeOutput(t *testing.T) {
	windowtest.Levels(t, func(t *testing.T, isa cpu.ISA) {
		rng := rand.New(rand.NewPCG(7, 8))
		for stride, per := range map[int][2]int{1: {4, 4}, 2: {16, 16}} {
			g := windowtest.Geometry(64*stride, 65*stride, 3, stride, 1, 1, 1, 1, 1)
			n := 64 / per[1]
			if size := g.OutH * g.OutW * per[1] * n; size <= largeDst {
				t.Fatalf("%d floats of output are not large", size)
			}
			check(t, isa, rng, g, per, n)
		}
	})
}

func check(t *testing.T, isa cpu.ISA, rng *rand.Rand, g window.Geometry, per [2]int, n int) {
	t.Helper()
	if ch := (Channels{per[0] * n, per[1] * n, n}); !Supports(isa, g, ch) {
		return // the general product does it
	}
	l := windowtest.Layer{Geometry: g, In: per[0] * n, Out: per[1] * n, Groups: n}
	weights, bias := l.Weights(rng)
	c := New(isa, g, Channels{l.In, l.Out, n}, weights, bias, windowtest.Floats)
	l.Check(t, weights, bias, c.Step(), c.Run)
}

func TestSupports(t *testing.T) {
	for _, c := range []struct {
		kernel       int
		channels     Channels
		avx2, avx512 bool
	}{
		{3, Channels{128, 128, 32}, true, true},
		{5, Channels{12, 12, 3}, true, true},
		{3, Channels{96, 256, 2}, false, true},
		{5, Channels{96, 256, 2}, false, false},
		{3, Channels{12, 24, 3}, false, false},
		{3, Channels{48, 48, 8}, false, false},
		{3, Channels{51, 60, 3}, false, false},
		{3, Channels{32, 32, 32}, false, false},
	} {
		g := windowtest.Geometry(9, 9, c.kernel, 1, 1, 0, 0, 0, 0)
		for isa, want := range map[cpu.ISA]bool{cpu.Generic: c.avx512, cpu.AVX2: c.avx2, cpu.AVX512: c.avx512} {
			if got := Supports(isa, g, c.channels); got != want {
				t.Errorf("Supports(%s, kernel %d, %+v) = %v", isa, c.kernel, c.channels, got)
			}
		}
	}
}

// shapes are the grouped layers of ResNeXt-50 32x4d, one of each kind.
var shapes = []struct{ size, channels, groups, stride int }{
	{56, 128, 32, 1}, {56, 256, 32, 2}, {28, 256, 32, 1}, {28, 512, 32, 2}, {14, 512, 32, 1}, {14, 1024, 32, 2}, {7, 1024, 32, 1},
}

func BenchmarkRun(b *testing.B) {
	for _, s := range shapes {
		l := windowtest.Layer{Geometry: windowtest.Geometry(s.size, s.size, 3, s.stride, 1, 1, 1, 1, 1), In: s.channels, Out: s.channels, Groups: s.groups}
		b.Run(fmt.Sprintf("%dx%dx%d/g%d/s%d", s.size, s.size, s.channels, s.groups, s.stride), func(b *testing.B) {
			weights, bias := l.Weights(rand.New(rand.NewPCG(1, 1)))
			isa := cpu.Level()
			c := New(isa, l.Geometry, Channels{l.In, l.Out, l.Groups}, weights, bias, windowtest.Floats)
			l.Benchmark(b, isa, c.Run)
		})
	}
}
