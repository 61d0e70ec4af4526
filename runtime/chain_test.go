package runtime

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// chainCase is a chain to test: what each convolution adds to the one before, and the
// pooling behind the last one, if any.
type chainCase struct {
	name  string
	in    Shape
	links []convCase // without in
	pool  *MaxPool   // without shapes
}

func link(algo Algo, out, kernel, stride int) convCase {
	return convCase{
		algo: algo, out: out, kernel: square(kernel), stride: square(stride), dilation: square(1),
		pad: around(kernel / 2), groups: 1,
	}
}

func depthwiseLink(channels, kernel, stride int) convCase {
	c := link(Depthwise, channels, kernel, stride)
	c.groups = channels
	return c
}

var chainCases = []chainCase{
	{name: "expand, depthwise, project", in: Shape{16, 19, 9}, links: []convCase{link(Direct, 40, 1, 1), depthwiseLink(40, 3, 1), link(Direct, 16, 1, 1)}},
	{name: "expand, depthwise of stride 2", in: Shape{9, 23, 14}, links: []convCase{link(Direct, 33, 1, 1), depthwiseLink(33, 3, 2)}},
	{name: "expand, depthwise 5x5 of stride 2, project", in: Shape{24, 16, 17}, links: []convCase{link(Direct, 48, 1, 1), depthwiseLink(48, 5, 2), link(Direct, 20, 1, 1)}},
	{name: "stem, depthwise, pointwise", in: Shape{3, 35, 30}, links: []convCase{link(RowTaps, 32, 3, 2), depthwiseLink(32, 3, 1), link(Direct, 16, 1, 1)}},
	{name: "separable, twice", in: Shape{20, 17, 8}, links: []convCase{depthwiseLink(20, 3, 1), link(Direct, 36, 1, 1), depthwiseLink(36, 7, 1), link(Direct, 17, 1, 1)}},
	{name: "bottleneck of groups", in: Shape{40, 13, 13}, links: []convCase{
		link(Direct, 64, 1, 1),
		{algo: Grouped, out: 64, kernel: square(3), stride: square(1), dilation: square(1), pad: around(1), groups: 16},
		link(Direct, 40, 1, 1),
	}},
	{name: "3x3, dilated", in: Shape{12, 18, 11}, links: []convCase{
		link(Direct, 18, 3, 1),
		{algo: Direct, out: 20, kernel: square(3), stride: square(1), dilation: square(3), pad: around(3), groups: 1},
		{algo: Depthwise, out: 20, kernel: square(3), stride: Size{3, 1}, dilation: square(2), pad: around(2), groups: 20},
	}},
	{name: "without padding", in: Shape{16, 21, 12}, links: []convCase{
		{algo: Depthwise, out: 16, kernel: square(3), stride: square(1), dilation: square(1), groups: 16},
		{algo: Direct, out: 24, kernel: Size{3, 2}, stride: Size{2, 1}, dilation: square(1), groups: 1},
	}},
	{name: "rows left out by strides", in: Shape{16, 22, 9}, links: []convCase{
		link(Direct, 32, 1, 1),
		{algo: Direct, out: 32, kernel: square(1), stride: square(3), dilation: square(1), groups: 1},
		depthwiseLink(32, 3, 2),
	}},
	{name: "more padding than map", in: Shape{8, 2, 3}, links: []convCase{
		{algo: Direct, out: 16, kernel: square(3), stride: square(1), dilation: square(1), pad: around(4), groups: 1},
		{algo: Depthwise, out: 16, kernel: square(3), stride: square(1), dilation: square(1), pad: around(5), groups: 16},
		link(Direct, 9, 3, 1),
	}},
	{name: "too wide for the cache", in: Shape{3, 4, 1200}, links: []convCase{link(Direct, 48, 1, 1), depthwiseLink(48, 3, 1)}},
	{name: "stem, pooling", in: Shape{3, 45, 38}, links: []convCase{link(RowTaps, 24, 7, 2)}, pool: &MaxPool{Kernel: square(3), Stride: square(2), Dilation: square(1), Pad: around(1)}},
	{
		name: "separable, pooling that hangs over", in: Shape{20, 22, 9}, links: []convCase{depthwiseLink(20, 3, 1), link(Direct, 36, 1, 1)},
		pool: &MaxPool{Kernel: Size{2, 3}, Stride: Size{3, 2}, Dilation: Size{2, 1}, Pad: Padding{Bottom: 2, Right: 1}},
	},
	{name: "one row", in: Shape{16, 1, 20}, links: []convCase{link(Direct, 32, 1, 1), depthwiseLink(32, 3, 1), link(Direct, 16, 1, 1)}},
}

// ops returns the chain's descriptions; act is that of all convolutions but the last link.
func (c *chainCase) ops(act Act) []Chainable {
	var ops []Chainable
	in := c.in
	for i, link := range c.links {
		link.in = in
		op := link.op(act)
		if i == len(c.links)-1 && c.pool == nil {
			op.Act = Act{}
		}
		ops = append(ops, op)
		in = op.Out
	}
	if c.pool != nil {
		op := *c.pool
		shape := convCase{in: in, out: in.C, kernel: op.Kernel, stride: op.Stride, dilation: op.Dilation, pad: op.Pad}
		op.In, op.Out = in, shape.op(Act{}).Out
		ops = append(ops, &op)
	}
	return ops
}

// load packs the links, and the chain of them.
func (c *chainCase) load(t *testing.T, rng *rand.Rand, ops []Chainable) ([]Link, *PackedChain, Memory) {
	t.Helper()
	weights := memory{}
	for i, op := range ops {
		if conv, ok := op.(*Conv); ok {
			for key, w := range convWeights(rng, conv) {
				weights[fmt.Sprintf("%d.%s", i, key)] = w
			}
		}
	}
	l := NewLoader(weights)
	var links []Link
	for i, op := range ops {
		if conv, ok := op.(*Conv); ok {
			links = append(links, l.Conv(fmt.Sprintf("%d.conv", i), conv))
		} else {
			links = append(links, op.(*MaxPool))
		}
	}
	chain := l.Chain(links...)
	if err := l.Err(); err != nil {
		t.Fatal(err)
	}
	return links, chain, l.Memory(0)
}

// TestChain compares chains with their links, run one after the other: the bits are the
// same for bands of any height.
func TestChain(t *testing.T) {
	for i, c := range chainCases {
		t.Run(c.name, func(t *testing.T) {
			levels(t, func(t *testing.T) {
				for _, act := range []Act{{Kind: ReLU6}, {Kind: SiLU}} {
					rng := rand.New(rand.NewPCG(3, uint64(i)))
					ops := c.ops(act)
					links, chain, mem := c.load(t, rng, ops)
					out := chain.out()
					src, residual := random(rng, truthImages, c.in), random(rng, truthImages, out)
					for _, set := range settings {
						want := chainTruth(t, set, links, mem, src, residual)
						cuts := chain.cuts
						for n := range cuts {
							chain.cuts = cuts[n:]
							got := executeIn(t, mem, set, out, []operand{src, residual}, func(s *Session, dst View, srcs []View) {
								if c.pool != nil {
									chain.Run(s, dst, srcs[0])
								} else {
									chain.RunAdd(s, dst, srcs[0], srcs[1])
								}
							})
							if i := firstDifference(got, want); i >= 0 {
								t.Fatalf("%v, %d bands: element %d is %v, want %v", set, len(cuts[n]), i, got[i], want[i])
							}
						}
						chain.cuts = cuts
					}
				}
			})
		})
	}
}

// chainTruth is what the links compute, the last with a residual unless it is a pooling.
func chainTruth(t *testing.T, set setting, links []Link, mem Memory, src, residual operand) []float32 {
	t.Helper()
	for i, link := range links {
		out := link.window().out
		src = operand{out, executeIn(t, mem, set, out, []operand{src, residual}, func(s *Session, dst View, srcs []View) {
			conv, ok := link.(*PackedConv)
			switch {
			case !ok:
				link.(*MaxPool).Run(s, dst, srcs[0])
			case i < len(links)-1:
				conv.Run(s, dst, srcs[0])
			default:
				conv.RunAdd(s, dst, srcs[0], srcs[1])
			}
		})}
	}
	return src.data
}

// firstDifference returns where a and b, of one length, differ; -1 if they do not.
func firstDifference(a, b []float32) int {
	for i := range a {
		if a[i] != b[i] {
			return i
		}
	}
	return -1
}

// TestChainBands looks at how chains are cut: bands cover the output once, and every task
// of several threads has one.
func TestChainBands(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for _, c := range chainCases {
		ops := c.ops(Act{})
		_, chain, _ := c.load(t, rng, ops)
		height := chain.out().H
		for i, bands := range chain.cuts {
			if i > 0 && len(bands) != 2*len(chain.cuts[i-1]) {
				t.Errorf("%s: %d bands after %d", c.name, len(bands), len(chain.cuts[i-1]))
			}
			row := 0
			for _, b := range bands {
				last := b.rows[len(ops)-1]
				if last.from != row || last.to <= row {
					t.Errorf("%s: rows %v after %d", c.name, last, row)
				}
				row = last.to
			}
			if row != height {
				t.Errorf("%s: %d of %d rows", c.name, row, height)
			}
		}
	}
}

func TestBandRows(t *testing.T) {
	chain := func(size int) []Chainable {
		c := chainCase{in: Shape{16, size, size}, links: []convCase{link(Direct, 96, 1, 1), depthwiseLink(96, 3, 2)}}
		return c.ops(Act{})
	}
	for _, test := range []struct{ size, rows int }{
		{14, 7},  // all
		{112, 7}, // 15 rows of 112*96 floats, and 17 are too many
		{600, 0}, // not even three
	} {
		if got := BandRows(chain(test.size)); got != test.rows {
			t.Errorf("%d rows of a map of %dx%d, want %d", got, test.size, test.size, test.rows)
		}
	}
}
