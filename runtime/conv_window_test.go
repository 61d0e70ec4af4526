package runtime

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
)

// windowCases are for Depthwise and Grouped. The kernels' own tests go through the
// edges of maps and channels; here it is what surrounds them.
var windowCases = []convCase{
	{"depthwise 3x3", Depthwise, Shape{72, 9, 15}, 72, square(3), square(1), square(1), around(1), 72},
	{"depthwise 3x3, stride 2", Depthwise, Shape{40, 112, 8}, 40, square(3), square(2), square(1), Padding{0, 0, 1, 1}, 40},
	{"depthwise 5x5", Depthwise, Shape{200, 7, 7}, 200, square(5), square(1), square(1), around(2), 200},
	{"depthwise 7x7", Depthwise, Shape{17, 40, 10}, 17, square(7), square(1), square(1), around(3), 17},
	{"depthwise 2x2", Depthwise, Shape{6, 28, 28}, 6, square(2), square(2), square(1), Padding{}, 6},
	{"depthwise, dilated", Depthwise, Shape{33, 9, 9}, 33, square(3), square(1), square(2), around(2), 33},
	{"depthwise, multiplied", Depthwise, Shape{5, 6, 6}, 10, square(3), square(1), square(1), around(1), 5},
	{"groups of 2", Grouped, Shape{22, 9, 9}, 22, square(3), square(1), square(1), around(1), 11},
	{"groups of 4", Grouped, Shape{52, 14, 14}, 52, square(3), square(1), square(1), around(1), 13},
	{"groups of 8", Grouped, Shape{256, 33, 5}, 256, square(3), square(2), square(1), around(1), 32},
	{"groups of 8, 5x5", Grouped, Shape{24, 9, 9}, 24, square(5), square(1), square(1), around(2), 3},
	{"groups of 16", Grouped, Shape{64, 7, 7}, 64, square(3), square(1), square(1), around(1), 4},
	{"groups of 24 to 40", Grouped, Shape{48, 5, 6}, 80, square(3), square(1), square(1), Padding{}, 2},
	{"groups of 16, 1x1", Grouped, Shape{48, 5, 6}, 48, square(1), square(1), square(1), Padding{}, 3},
	{"groups of 3", Grouped, Shape{12, 6, 6}, 12, square(3), square(1), square(1), around(1), 4},
}

func TestWindowed(t *testing.T) {
	levels(t, func(t *testing.T) {
		for i, cc := range windowCases {
			t.Run(cc.name, func(t *testing.T) {
				rng := rand.New(rand.NewPCG(13, uint64(i)))
				for j, c := range settings {
					act := []Act{{}, {Kind: ReLU}, {Kind: ReLU6}, {Kind: SiLU}}[(i+j)%4]
					checkConv(t, rng, cc.op(act), c, j%2 == 1)
					c.inPlace = true
					checkConv(t, rng, cc.op(act), c, true)
				}
			})
		}
	})
}

func TestCanGroup(t *testing.T) {
	for _, c := range []struct {
		in, out, groups, kernel int
		want                    bool
	}{{128, 128, 32, 5, true}, {1024, 1024, 32, 3, true}, {1024, 1024, 32, 1, false}, {96, 256, 2, 3, true}, {12, 12, 4, 3, false}, {16, 16, 16, 3, false}} {
		op := convCase{"", Grouped, Shape{c.in, 9, 9}, c.out, square(c.kernel), square(1), square(1), Padding{}, c.groups}.op(Act{})
		if got := op.CanGroup(); got != c.want {
			t.Errorf("%+v: CanGroup is %v", c, got)
		}
	}
}

// windowLayers are the depthwise and grouped layers of MobileNet v1, EfficientNet-B0,
// ConvNeXt-T and ResNeXt-50, one of each kind.
var windowLayers = []convCase{
	depthwiseLayer(112, 32, 3, 1), depthwiseLayer(112, 64, 3, 2), depthwiseLayer(56, 128, 3, 1), depthwiseLayer(56, 128, 3, 2),
	depthwiseLayer(28, 256, 3, 1), depthwiseLayer(28, 256, 3, 2), depthwiseLayer(14, 512, 3, 1), depthwiseLayer(14, 512, 3, 2), depthwiseLayer(7, 1024, 3, 1),
	depthwiseLayer(112, 96, 3, 2), depthwiseLayer(56, 144, 3, 1), depthwiseLayer(56, 144, 5, 2), depthwiseLayer(28, 240, 5, 1), depthwiseLayer(28, 240, 3, 2),
	depthwiseLayer(14, 480, 3, 1), depthwiseLayer(14, 480, 5, 1), depthwiseLayer(14, 672, 5, 1), depthwiseLayer(14, 672, 5, 2), depthwiseLayer(7, 1152, 5, 1), depthwiseLayer(7, 1152, 3, 1),
	depthwiseLayer(56, 96, 7, 1), depthwiseLayer(28, 192, 7, 1), depthwiseLayer(14, 384, 7, 1), depthwiseLayer(7, 768, 7, 1),
	groupedLayer(56, 128, 1), groupedLayer(56, 256, 2), groupedLayer(28, 256, 1), groupedLayer(28, 512, 2),
	groupedLayer(14, 512, 1), groupedLayer(14, 1024, 2), groupedLayer(7, 1024, 1),
}

func depthwiseLayer(size, channels, kernel, stride int) convCase {
	name := fmt.Sprintf("depthwise/%dx%dx%d,k%d,s%d", size, size, channels, kernel, stride)
	return convCase{name, Depthwise, Shape{channels, size, size}, channels, square(kernel), square(stride), square(1), around(kernel / 2), channels}
}

// groupedLayer has 32 groups.
func groupedLayer(size, channels, stride int) convCase {
	name := fmt.Sprintf("grouped/%dx%dx%d,k3,s%d", size, size, channels, stride)
	return convCase{name, Grouped, Shape{channels, size, size}, channels, square(3), square(stride), square(1), around(1), 32}
}

// BenchmarkWindowed reports shares of the peak as BenchmarkConv does. Products with
// padding count as work but are left out, so that small maps may exceed the peak.
func BenchmarkWindowed(b *testing.B) {
	for isa := cpu.AVX2; isa <= cpu.Best; isa++ {
		for _, threads := range []int{1, 2} {
			for _, layer := range windowLayers {
				b.Run(fmt.Sprintf("%s/threads=%d/%s", isa, threads, layer.name), func(b *testing.B) {
					defer cpu.Force(isa)()
					benchmarkConv(b, layer.op(Act{Kind: ReLU}), threads, 1)
				})
			}
		}
	}
}
