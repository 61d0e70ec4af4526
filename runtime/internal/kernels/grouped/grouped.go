// Package grouped has the kernels of convolution in groups of few channels.
//
// The general matrix product of package gemm, one group at a time, leaves lanes empty
// below 16 channels a group. Above, the kernels that slide have fewer loads a multiply-add
// than it has: 98% of the peak against 72% on 7x7x1024 in groups of 32, 82 against 69%
// in groups of 64. For kernels of other widths than 3 it is as good or better, and under
// AVX2 too, whose 16 registers do not hold what sliding takes.
package grouped

import (
	"fmt"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/window"
)

//go:generate go -C ../_asm run ./grouped -out ../grouped/kernel_amd64.s -stubs ../grouped/kernel_amd64.go -pkg grouped

// Channels are those of a convolution: of the input, of the output, and how many
// groups they come in.
type Channels struct{ In, Out, Groups int }

// PerGroup returns the channels of a group.
func (c Channels) PerGroup() (in, out int) { return c.In / c.Groups, c.Out / c.Groups }

// Step returns what the channels of a Call are multiples of, if they do not end at the
// last channel: whole groups and whole vectors.
func (c Channels) Step() int {
	_, out := c.PerGroup()
	return max(out, maxLanes)
}

// maxLanes is the greatest number of channels in a vector.
const maxLanes = 16

// Supports reports whether there is a kernel: for groups of 2, 4 or 8 input and as
// many output channels, and, except under AVX2, for those of an even number of input
// channels and at least a vector of output channels, if the kernel is 3 wide.
func Supports(isa cpu.ISA, g window.Geometry, c Channels) bool {
	in, out := c.PerGroup()
	return small(in, out) || isa != cpu.AVX2 && slides(&g) && in%2 == 0 && out >= maxLanes
}

// small reports whether whole groups lie side by side in a vector.
func small(in, out int) bool { return in == out && (in == 2 || in == 4 || in == 8) }

// slides reports whether the kernel is 3 wide, of stride 1 or 2, and not dilated.
func slides(g *window.Geometry) bool {
	return g.KernelW == 3 && g.StrideW <= 2 && g.DilationW == 1
}

// Conv is a grouped convolution, its weights packed for one instruction set.
type Conv struct {
	Channels
	window  *window.Window
	isa     cpu.ISA
	in, out int // channels of a group
	layout
	weights []float32 // blocks
	bias    []float32 // [block][lane]
}

// layout is the order of weights. A block is for a vector of output channels. At each
// tap it has steps: in a step, a lane meets one channel of its group's input. Where
// lanes meet channels that are not for their own output but for a neighbour's, sets of
// weights, and of sums, tell which. A block is
//
//	[kernel row][kernel column][step][set][lane], or, if the kernel slides,
//	[pass][kernel row][step][kernel column][set of the pass][lane]
type layout struct {
	lanes    int
	perGroup bool // a group begins with a new block; otherwise groups share blocks
	steps    int
	sets     int
	slides   bool
	passes   int // through the input, each for some of the sets
}

// newLayout is the one place where kernels are chosen; row names them.
func newLayout(isa cpu.ISA, g *window.Geometry, in, out int) layout {
	l := layout{lanes: maxLanes, passes: 1}
	switch isa {
	case cpu.Generic:
		l.lanes, l.perGroup, l.steps, l.sets = min(out, maxLanes), true, in, 1
		return l
	case cpu.AVX2:
		l.lanes = 8
	}
	if out >= l.lanes {
		l.perGroup, l.steps, l.sets = true, in/2, 2
	} else {
		l.steps, l.sets = 2, in/2
	}
	const atOnce = 2 // sets that there are registers for
	if isa == cpu.AVX512 && l.sets >= atOnce && slides(g) {
		l.slides, l.passes = true, l.sets/atOnce
	}
	return l
}

// meet returns in which step and which set the output channel of a lane gets input
// channel i of its group, and at which lane of those.
//
// If a group has blocks of its own, and two sets, a step loads channels 2*step,
// 2*step+1, 2*step, 2*step+1 and so on, and set 1 is for the neighbour's output. If
// groups share blocks, a step loads either the even or the odd channels, each into both
// lanes of its pair, and set s is for the pair that is s away, by exclusive or.
func (l *layout) meet(lane, i int) (step, set, at int) {
	switch {
	case l.sets == 1 && l.perGroup:
		return i, 0, lane
	case l.perGroup:
		set = (lane ^ i) & 1
		return i / 2, set, lane ^ set
	}
	set = lane/2%l.sets ^ i/2
	return i % 2, set, lane ^ set<<1
}

// vector returns where in a block the weights of a tap, step and set begin.
func (l *layout) vector(g *window.Geometry, ky, kx, step, set int) int {
	if !l.slides {
		return (((ky*g.KernelW+kx)*l.steps+step)*l.sets + set) * l.lanes
	}
	perPass := l.sets / l.passes
	row := set/perPass*g.KernelH + ky
	return (((row*l.steps+step)*g.KernelW+kx)*perPass + set%perPass) * l.lanes
}

// New packs weights [out][in/groups][kernel row][kernel column] and biases into memory
// from floats, which returns zeros that begin at a cache line. Supports must hold.
func New(isa cpu.ISA, g window.Geometry, ch Channels, weights, bias []float32, floats func(n int) []float32) *Conv {
	c := &Conv{Channels: ch, window: window.New(g, false), isa: isa}
	c.in, c.out = ch.PerGroup()
	c.layout = newLayout(isa, &g, c.in, c.out)
	last, _ := c.place(ch.Out - 1)
	c.weights = floats((last + 1) * c.blockLen())
	c.bias = floats((last + 1) * c.lanes)
	for o := range ch.Out {
		block, lane := c.place(o)
		c.bias[block*c.lanes+lane] = bias[o]
		to := c.weights[block*c.blockLen():]
		w := weights[o*c.in*g.Taps():]
		for i := range c.in {
			step, set, at := c.meet(lane, i)
			for ky := range g.KernelH {
				for kx := range g.KernelW {
					to[c.vector(&g, ky, kx, step, set)+at] = w[(i*g.KernelH+ky)*g.KernelW+kx]
				}
			}
		}
	}
	return c
}

// Resized returns the convolution, with the same weights, of maps of other heights.
func (c *Conv) Resized(g window.Geometry) *Conv {
	other := *c
	other.window = window.New(g, false)
	return &other
}

// place returns the block and the lane of an output channel.
func (c *Conv) place(o int) (block, lane int) {
	if !c.perGroup {
		return o / c.lanes, o % c.lanes
	}
	perGroup := (c.out + c.lanes - 1) / c.lanes
	return o/c.out*perGroup + o%c.out/c.lanes, o % c.out % c.lanes
}

func (c *Conv) blockLen() int { return c.window.Taps() * c.steps * c.sets * c.lanes }

// Weights returns the packed weights.
func (c *Conv) Weights() []float32 { return c.weights }

// largeDst is how many floats of output are too many to be found in the second-level cache
// when they are written: then stores wait for the lines that they write to, unless these
// were asked for. For smaller output that costs more than it brings.
const largeDst = 256 << 10

// Run computes dst = clamp(conv(src) + bias + residual) as call says.
func (c *Conv) Run(call *window.Call) {
	if step := c.Step(); call.FromC%step != 0 || call.ToC%step != 0 && call.ToC != c.Out {
		panic(fmt.Sprintf("grouped: channels [%d,%d) of %d in steps of %d", call.FromC, call.ToC, c.Out, step))
	}
	a := c.window.Args(call, c.In, c.Out)
	a.Pairs = c.in / 2
	if len(call.Dst.Data) > largeDst {
		a.FetchDst = 1
	}
	a.Block = 4 * c.blockLen()
	a.WeightRow = 4 * c.blockLen() / c.window.KernelH / c.passes
	n := call.ToC - call.FromC
	if c.perGroup {
		n = c.out
	}
	for o := call.FromC; o < call.ToC; o += n {
		if c.isa == cpu.Generic {
			c.generic(call, o)
			continue
		}
		a.Src = &call.Src.Data[o/c.out*c.in]
		a.Dst = &call.Dst.Data[o]
		if call.Residual.Data != nil {
			a.Residual = &call.Residual.Data[o]
		}
		block, _ := c.place(o)
		a.Weights = &c.weights[block*c.blockLen()]
		a.Bias = &c.bias[block*c.lanes]
		a.Channels = n
		c.run(&a)
	}
}
