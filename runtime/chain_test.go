package runtime

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// chainCase is a chain to test: what each convolution adds to the one before.
type chainCase struct {
	name  string
	in    Shape
	links []convCase // without in
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
	{"expand, depthwise, project", Shape{16, 19, 9}, []convCase{link(Direct, 40, 1, 1), depthwiseLink(40, 3, 1), link(Direct, 16, 1, 1)}},
	{"expand, depthwise of stride 2", Shape{9, 23, 14}, []convCase{link(Direct, 33, 1, 1), depthwiseLink(33, 3, 2)}},
	{"expand, depthwise 5x5 of stride 2, project", Shape{24, 16, 17}, []convCase{link(Direct, 48, 1, 1), depthwiseLink(48, 5, 2), link(Direct, 20, 1, 1)}},
	{"stem, depthwise, pointwise", Shape{3, 35, 30}, []convCase{link(RowTaps, 32, 3, 2), depthwiseLink(32, 3, 1), link(Direct, 16, 1, 1)}},
	{"separable, twice", Shape{20, 17, 8}, []convCase{depthwiseLink(20, 3, 1), link(Direct, 36, 1, 1), depthwiseLink(36, 7, 1), link(Direct, 17, 1, 1)}},
	{"bottleneck of groups", Shape{40, 13, 13}, []convCase{
		link(Direct, 64, 1, 1),
		{algo: Grouped, out: 64, kernel: square(3), stride: square(1), dilation: square(1), pad: around(1), groups: 16},
		link(Direct, 40, 1, 1),
	}},
	{"3x3, dilated", Shape{12, 18, 11}, []convCase{
		link(Direct, 18, 3, 1),
		{algo: Direct, out: 20, kernel: square(3), stride: square(1), dilation: square(3), pad: around(3), groups: 1},
		{algo: Depthwise, out: 20, kernel: square(3), stride: Size{3, 1}, dilation: square(2), pad: around(2), groups: 20},
	}},
	{"without padding", Shape{16, 21, 12}, []convCase{
		{algo: Depthwise, out: 16, kernel: square(3), stride: square(1), dilation: square(1), groups: 16},
		{algo: Direct, out: 24, kernel: Size{3, 2}, stride: Size{2, 1}, dilation: square(1), groups: 1},
	}},
	{"rows left out by strides", Shape{16, 22, 9}, []convCase{
		link(Direct, 32, 1, 1),
		{algo: Direct, out: 32, kernel: square(1), stride: square(3), dilation: square(1), groups: 1},
		depthwiseLink(32, 3, 2),
	}},
	{"more padding than map", Shape{8, 2, 3}, []convCase{
		{algo: Direct, out: 16, kernel: square(3), stride: square(1), dilation: square(1), pad: around(4), groups: 1},
		{algo: Depthwise, out: 16, kernel: square(3), stride: square(1), dilation: square(1), pad: around(5), groups: 16},
		link(Direct, 9, 3, 1),
	}},
	{"too wide for the cache", Shape{3, 4, 1200}, []convCase{link(Direct, 48, 1, 1), depthwiseLink(48, 3, 1)}},
	{"one row", Shape{16, 1, 20}, []convCase{link(Direct, 32, 1, 1), depthwiseLink(32, 3, 1), link(Direct, 16, 1, 1)}},
}

// ops returns the chain's convolutions; act is that of all but the last.
func (c *chainCase) ops(act Act) []*Conv {
	var ops []*Conv
	in := c.in
	for i, link := range c.links {
		link.in = in
		op := link.op(act)
		if i == len(c.links)-1 {
			op.Act = Act{}
		}
		ops = append(ops, op)
		in = op.Out
	}
	return ops
}

// load packs the links, and the chain of them.
func (c *chainCase) load(t *testing.T, rng *rand.Rand, ops []*Conv) ([]*PackedConv, *PackedChain, Memory) {
	t.Helper()
	weights := memory{}
	for i, op := range ops {
		for key, w := range convWeights(rng, op) {
			weights[fmt.Sprintf("%d.%s", i, key)] = w
		}
	}
	l := NewLoader(weights)
	var links []*PackedConv
	for i, op := range ops {
		links = append(links, l.Conv(fmt.Sprintf("%d.conv", i), op))
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
					out := ops[len(ops)-1].Out
					src, residual := random(rng, truthImages, c.in), random(rng, truthImages, out)
					for _, set := range settings {
						want := chainTruth(t, set, links, mem, src, residual)
						cuts := chain.cuts
						for n := range cuts {
							chain.cuts = cuts[n:]
							got := executeIn(t, mem, set, out, []operand{src, residual}, func(s *Session, dst View, srcs []View) {
								chain.RunAdd(s, dst, srcs[0], srcs[1])
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

// chainTruth is what the links compute, the last with a residual.
func chainTruth(t *testing.T, set setting, links []*PackedConv, mem Memory, src, residual operand) []float32 {
	t.Helper()
	for _, link := range links[:len(links)-1] {
		src = operand{link.op.Out, executeIn(t, mem, set, link.op.Out, []operand{src}, func(s *Session, dst View, srcs []View) {
			link.Run(s, dst, srcs[0])
		})}
	}
	last := links[len(links)-1]
	return executeIn(t, mem, set, last.op.Out, []operand{src, residual}, func(s *Session, dst View, srcs []View) {
		last.RunAdd(s, dst, srcs[0], srcs[1])
	})
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
		height := ops[len(ops)-1].Out.H
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
	chain := func(size int) []*Conv {
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
