package roofline_test

import (
	"testing"

	"github.com/cnnc-dev/cnnc/compiler/plan"
	"github.com/cnnc-dev/cnnc/compiler/roofline"
	"github.com/cnnc-dev/cnnc/compiler/shape"
	"github.com/cnnc-dev/cnnc/runtime"
)

var one = runtime.Size{H: 1, W: 1}

func dims(c, h, w int) shape.Shape { return shape.Shape{c, h, w} }

// conv is a 3x3 convolution of a small map, which a kernel at a border leaves by a pixel.
func conv(algo runtime.Algo, in, out, groups int) *runtime.Conv {
	return &runtime.Conv{
		In: runtime.Shape{C: in, H: 6, W: 5}, Out: runtime.Shape{C: out, H: 6, W: 5},
		Kernel: runtime.Size{H: 3, W: 3}, Stride: one, Dilation: one, Pad: runtime.Padding{Top: 1, Left: 1, Bottom: 1, Right: 1},
		Groups: groups, Algo: algo,
	}
}

func TestOf(t *testing.T) {
	direct := plan.Step{Op: conv(runtime.Direct, 16, 8, 1), In: []shape.Shape{dims(16, 6, 5)}, Out: dims(8, 6, 5)}
	tests := []struct {
		name  string
		step  plan.Step
		tiled bool
		want  roofline.Work
	}{
		{
			"direct", direct, false,
			roofline.Work{MultiplyAdds: 9 * 16 * 8 * 30, Memory: 4 * 9 * 16 * 8, Cached: 4 * (16 + 8) * 30},
		},
		{
			// Each weight is three numbers of two bytes.
			"tiles", direct, true,
			roofline.Work{Tiled: 9 * 16 * 8 * 30, Memory: 6 * 9 * 16 * 8, Cached: 4 * (16 + 8) * 30},
		},
		{
			"tiles in a chain",
			plan.Step{Op: &plan.Chain{Links: []plan.Step{direct, direct}}, In: direct.In, Out: direct.Out}, true,
			roofline.Work{Tiled: 2 * 9 * 16 * 8 * 30, Memory: 2 * 6 * 9 * 16 * 8, Cached: 4 * (16 + 8) * 30},
		},
		{
			// Two rows of 2 taps and four of 3; two columns of 2 taps and three of 3.
			"depthwise",
			plan.Step{Op: conv(runtime.Depthwise, 16, 16, 16), In: []shape.Shape{dims(16, 6, 5)}, Out: dims(16, 6, 5)}, false,
			roofline.Work{MultiplyAdds: 16 * 16 * 13, Memory: 4 * 9 * 16, Cached: 4 * 2 * 16 * 30},
		},
		{
			"grouped",
			plan.Step{Op: conv(runtime.Grouped, 16, 32, 4), In: []shape.Shape{dims(16, 6, 5)}, Out: dims(32, 6, 5)}, false,
			roofline.Work{MultiplyAdds: 4 * 32 * 16 * 13, Memory: 4 * 9 * 4 * 32, Cached: 4 * (16 + 32) * 30},
		},
		{
			// Four tiles, of which the last row and column are not full; a residual.
			"winograd4x4",
			plan.Step{Op: conv(runtime.Winograd4x4, 16, 8, 1), In: []shape.Shape{dims(16, 6, 5)}, Out: dims(8, 6, 5), Residual: new(runtime.View)}, false,
			roofline.Work{MultiplyAdds: 4 * (36*16*8 + 144*16 + 100*8), Memory: 4 * 36 * 16 * 8, Cached: 4 * (16 + 2*8) * 30},
		},
		{
			"winograd2x2",
			plan.Step{Op: conv(runtime.Winograd2x2, 16, 8, 1), In: []shape.Shape{dims(16, 6, 5)}, Out: dims(8, 6, 5)}, false,
			roofline.Work{MultiplyAdds: 9 * (16*16*8 + 32*16 + 24*8), Memory: 4 * 16 * 16 * 8, Cached: 4 * (16 + 8) * 30},
		},
		{
			"linear",
			plan.Step{Op: &runtime.Linear{In: runtime.Shape{C: 512, H: 7, W: 7}, Out: 4096}, In: []shape.Shape{dims(512, 7, 7)}, Out: dims(4096, 1, 1)}, false,
			roofline.Work{MultiplyAdds: 25088 * 4096, Memory: 4 * 25088 * 4096, Cached: 4 * (25088 + 4096)},
		},
		{
			// The map that it reads exceeds the cache, the one that it writes does not.
			"pool",
			plan.Step{Op: &runtime.MaxPool{}, In: []shape.Shape{dims(64, 112, 112)}, Out: dims(64, 56, 56)}, false,
			roofline.Work{Memory: 4*64*112*112 - roofline.Cache, Cached: roofline.Cache + 4*64*56*56},
		},
		{
			"two maps",
			plan.Step{Op: &runtime.Mul{}, In: []shape.Shape{dims(64, 8, 8), dims(64, 1, 1)}, Out: dims(64, 8, 8)}, false,
			roofline.Work{Cached: 4 * 64 * (2*8*8 + 1)},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tiled := func(*runtime.Conv) bool { return tt.tiled }
			if got := roofline.Of(&tt.step, 1, 1, tiled); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			// Of a batch, weights are read once.
			weights := float64(roofline.Data(&plan.Plan{Steps: []plan.Step{{Op: tt.step.Op}}}, 1, tiled))
			maps := tt.want.Memory + tt.want.Cached - weights
			got := roofline.Of(&tt.step, 3, 1, tiled)
			if got.MultiplyAdds != 3*tt.want.MultiplyAdds || got.Tiled != 3*tt.want.Tiled || got.Memory+got.Cached != 3*maps+weights {
				t.Errorf("three images: %+v", got)
			}
		})
	}
}

func none(*runtime.Conv) bool { return false }

// TestThreads checks that two threads have two private caches.
func TestThreads(t *testing.T) {
	m := dims(64, 112, 112) // 3.2 MB
	s := plan.Step{Op: &runtime.MaxPool{}, In: []shape.Shape{m}, Out: dims(64, 56, 56)}
	if w := roofline.Of(&s, 1, 2, none); w.Memory != 0 {
		t.Errorf("two threads move %v bytes to or from memory, want none", w.Memory)
	}
	if w := roofline.Of(&s, 2, 2, none); w.Memory != float64(2*4*m.Elems()-2*roofline.Cache) {
		t.Errorf("two threads move %v bytes of two images, want what their caches do not hold of the input", w.Memory)
	}
}

func TestBound(t *testing.T) {
	m := roofline.Machine{MultiplyAdds: 100, Tiled: 300, Memory: 10, Cached: 50}
	tests := []struct {
		work roofline.Work
		want float64
		by   roofline.Limit
	}{
		{roofline.Work{MultiplyAdds: 200, Memory: 10, Cached: 50}, 2, roofline.Compute},
		{roofline.Work{MultiplyAdds: 200, Tiled: 150, Memory: 20, Cached: 50}, 2.5, roofline.Compute},
		{roofline.Work{MultiplyAdds: 200, Memory: 30, Cached: 50}, 3, roofline.Memory},
		{roofline.Work{MultiplyAdds: 200, Memory: 30, Cached: 200}, 4, roofline.Cached},
	}
	for _, tt := range tests {
		if got, by := m.Bound(tt.work); got != tt.want || by != tt.by {
			t.Errorf("%+v: %v s by %s, want %v by %s", tt.work, got, by, tt.want, tt.by)
		}
	}
}
