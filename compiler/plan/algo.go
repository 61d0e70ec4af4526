package plan

import "github.com/cnnc-dev/cnnc/runtime"

// Which algorithm computes a convolution is decided here, from static shapes
// alone. Whatever depends on the processor, such as the tile, is the runtime's
// choice when it packs the weights.

// method is an algorithm, where it applies, and how well it does there.
type method struct {
	algo    runtime.Algo
	applies func(op *runtime.Conv) bool
	// cost is the estimated time of one useful multiply-accumulate, in units of
	// the processor's peak: 1 is perfect, 2 half of it. The figures are
	// measurements on whole layers, rounded.
	cost func(op *runtime.Conv) float64
}

// methods lists the candidates; the cheapest wins, and the first among equals.
var methods = []method{
	{
		// Any convolution at all. Its vectors hold output channels of one
		// group, so that a group narrower than a vector wastes the rest, and
		// each tap of few input channels pays for the loop around it.
		algo:    runtime.Direct,
		applies: func(*runtime.Conv) bool { return true },
		cost: func(op *runtime.Conv) float64 {
			in, out := op.In.C/op.Groups, op.Out.C/op.Groups
			return 1.05 * ragged(out) * (1 + 4/float64(in))
		},
	},
	{
		// A kernel row is one tap of kw*cin floats, pixels without room between
		// them: the stems, on images.
		algo: runtime.RowTaps,
		applies: func(op *runtime.Conv) bool {
			return op.Groups == 1 && op.In.C < 16 && op.Kernel.W > 1 && op.Dilation.W == 1
		},
		cost: func(op *runtime.Conv) float64 {
			return 1.05 * ragged(op.Out.C) * (1 + 4/float64(op.In.C*op.Kernel.W))
		},
	},
	{
		// Several groups share a vector of 16 outputs; of wider groups, one
		// group's outputs fill vectors.
		algo:    runtime.Grouped,
		applies: func(op *runtime.Conv) bool { return op.Groups > 1 && op.CanGroup() },
		cost: func(op *runtime.Conv) float64 {
			out := op.Out.C / op.Groups
			if out < 16 {
				return 1.05
			}
			return 1.05 * ragged(out)
		},
	},
	{
		algo: runtime.Depthwise,
		applies: func(op *runtime.Conv) bool {
			return op.Groups > 1 && op.Groups == op.In.C && op.Groups == op.Out.C
		},
		cost: func(op *runtime.Conv) float64 { return 1.1 },
	},
	{
		// A quarter of the products, but the weights are four times as many and come from
		// memory: for maps of 14x14 that takes not much less than the rest.
		algo:    runtime.Winograd4x4,
		applies: (*runtime.Conv).CanWinograd,
		cost:    func(op *runtime.Conv) float64 { return winogradCost(op, 4, 0.28, 2.5, 1.9, 60) },
	},
	{
		// Not quite half of the products, and not quite twice the weights, which maps of 8x8
		// make up for; those of 7x7, with a row and a column of tiles half empty, do not.
		algo:    runtime.Winograd2x2,
		applies: (*runtime.Conv).CanWinograd,
		cost:    func(op *runtime.Conv) float64 { return winogradCost(op, 2, 0.47, 2.5, 2.5, 22) },
	},
}

// winogradCost is that of tiles of side x side outputs, which need not divide the map: of
// their products; of transforms inward, which output channels share, and outward, which
// input channels share; and of weights, which pixels share.
func winogradCost(op *runtime.Conv, side int, products, inward, outward, weights float64) float64 {
	in, out, pixels := float64(op.In.C), float64(op.Out.C), float64(op.Out.Pixels())
	tiles := float64((op.Out.H + side - 1) / side * ((op.Out.W + side - 1) / side))
	covered := tiles * float64(side*side) / pixels
	return covered*(products*ragged(op.Out.C)*(1+8/in)+inward/out+outward/in) + weights/pixels
}

// ragged is the share of lanes computed in vain when n channels fill vectors of 16.
func ragged(n int) float64 { return float64(roundUp(n, 16)) / float64(n) }

// chooseAlgo returns the cheapest algorithm that applies.
func chooseAlgo(op *runtime.Conv, opts Options) runtime.Algo {
	best := methods[0]
	for _, m := range methods[1:] {
		if m.algo.IsWinograd() && opts.NoWinograd {
			continue
		}
		if m.applies(op) && m.cost(op) < best.cost(op) {
			best = m
		}
	}
	return best.algo
}

// roundUp returns the least multiple of m that is n or more.
func roundUp(n, m int) int { return (n + m - 1) / m * m }
