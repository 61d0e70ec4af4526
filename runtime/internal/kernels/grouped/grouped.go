// Package grouped has the kernels of convolution in groups of few channels.
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

// Step returns what the channel ranges of a Call are multiples of, if they do not end
// at the last channel: whole groups and whole vectors.
func (c Channels) Step() int {
	_, out := c.PerGroup()
	return max(out, lanes)
}

// lanes is the greatest number of channels in a vector.
const lanes = 16

// Supports reports whether there is a kernel: for groups of 2, 4 or 8 input and as
// many output channels, and for those of an even number of input channels and at least
// a vector of output channels.
func Supports(c Channels) bool {
	in, out := c.PerGroup()
	return small(in, out) || in%2 == 0 && out >= lanes
}

// small reports whether whole groups lie side by side in an AVX-512 vector.
func small(in, out int) bool { return in == out && (in == 2 || in == 4 || in == 8) }

// Conv is a grouped convolution, its weights packed for one instruction set.
type Conv struct {
	Channels
	window  *window.Window
	isa     cpu.ISA
	lanes   int
	in, out int  // channels of a group
	wide    bool // the kernel takes one group at a time
	slides  bool // the kernel is one of those 3 wide, without dilation

	// weights are blocks of a vector of output channels: [block][kernel row][kernel
	// column][step][set][lane], or [block][pass][kernel row][step][kernel column][set
	// of the pass][lane] if it slides. In a step, a lane meets one channel of its group's
	// input; see meet. A wide kernel's blocks begin anew with every group.
	weights []float32
	bias    []float32 // [block][lane]
}

// New packs weights [out][in/groups][kernel row][kernel column] and biases. Supports
// must hold.
func New(isa cpu.ISA, g window.Geometry, ch Channels, weights, bias []float32) *Conv {
	c := &Conv{Channels: ch, window: window.New(g, false), isa: isa, lanes: lanes}
	c.in, c.out = ch.PerGroup()
	if isa == cpu.AVX2 {
		c.lanes = 8
	}
	c.wide = c.out >= c.lanes
	c.slides = isa == cpu.AVX512 && c.sets() > 1 && g.KernelW == 3 && g.StrideW <= 2 && g.DilationW == 1
	blocks, perBlock := (ch.Out+c.lanes-1)/c.lanes, c.lanes
	if c.wide {
		blocks = ch.Groups * c.blocksPerGroup()
	}
	c.weights = window.Floats(blocks * c.blockLen())
	c.bias = window.Floats(blocks * perBlock)
	taps := g.Taps()
	for o := range ch.Out {
		block, lane := c.place(o)
		c.bias[block*c.lanes+lane] = bias[o]
		w := weights[o*c.in*taps:][:c.in*taps]
		for tap := range taps {
			for i := range c.in {
				step, set, at := c.meet(lane, i)
				c.weights[block*c.blockLen()+c.vector(tap/g.KernelW, tap%g.KernelW, step, set)*c.lanes+at] = w[i*taps+tap]
			}
		}
	}
	return c
}

// place returns the block and the lane of an output channel.
func (c *Conv) place(o int) (block, lane int) {
	if c.wide {
		group, within := o/c.out, o%c.out
		return group*c.blocksPerGroup() + within/c.lanes, within % c.lanes
	}
	return o / c.lanes, o % c.lanes
}

func (c *Conv) blocksPerGroup() int { return (c.out + c.lanes - 1) / c.lanes }

// steps is the number of vectors of input of a tap: pairs of channels of a wide group,
// the even and the odd channels of small ones.
func (c *Conv) steps() int {
	if c.wide {
		return c.in / 2
	}
	return 2
}

// sets is the number of sums a pixel and vector.
func (c *Conv) sets() int {
	if c.wide {
		return 2
	}
	return c.in / 2
}

func (c *Conv) blockLen() int { return c.window.Taps() * c.steps() * c.sets() * c.lanes }

// meet returns where the output channel of a lane gets input channel i of its group:
// in which step, and in which lane of which set.
//
// A step of a wide kernel loads channels 2*step, 2*step+1, 2*step, 2*step+1 and so on;
// set 1 sums up for the neighbour's output. A step of the others loads either the even
// or the odd channels, each into both lanes of its pair; set s sums up for the pair
// that is s away, by exclusive or.
func (c *Conv) meet(lane, i int) (step, set, at int) {
	if c.wide {
		set = (lane ^ i) & 1
		return i / 2, set, lane ^ set
	}
	set = lane/2%(c.in/2) ^ i/2
	return i % 2, set, lane ^ set<<1
}

// setsPerPass is how many sets a kernel that slides has registers for.
const setsPerPass = 2

// passes is how often the kernel goes through the input.
func (c *Conv) passes() int {
	if c.slides {
		return c.sets() / setsPerPass
	}
	return 1
}

// vector returns where in a block the weights of a tap, step and set are, in vectors.
func (c *Conv) vector(ky, kx, step, set int) int {
	width := c.window.KernelW
	if !c.slides {
		return ((ky*width+kx)*c.steps()+step)*c.sets() + set
	}
	row := set/setsPerPass*c.window.KernelH + ky
	return ((row*c.steps()+step)*width+kx)*setsPerPass + set%setsPerPass
}

// Run computes dst = clamp(conv(src) + bias + residual) as call says.
func (c *Conv) Run(call *window.Call) {
	if step := c.Step(); call.FromC%step != 0 || call.ToC%step != 0 && call.ToC != c.Out {
		panic(fmt.Sprintf("grouped: channels [%d,%d) of %d in steps of %d", call.FromC, call.ToC, c.Out, step))
	}
	a := c.window.Args(call, c.In, c.Out)
	if c.isa == cpu.Generic {
		c.generic(call)
		return
	}
	if !c.wide {
		c.runFrom(&a, call, call.FromC, call.ToC-call.FromC)
		return
	}
	a.Pairs = c.in / 2
	for o := call.FromC; o < call.ToC; o += c.out {
		c.runFrom(&a, call, o, c.out)
	}
}

// runFrom runs the kernel for n output channels from o on.
func (c *Conv) runFrom(a *window.Args, call *window.Call, o, n int) {
	a.Src = &call.Src.Data[o/c.out*c.in]
	a.Dst = &call.Dst.Data[o]
	if call.Residual.Data != nil {
		a.Residual = &call.Residual.Data[o]
	}
	block, _ := c.place(o)
	a.Weights = &c.weights[block*c.blockLen()]
	a.Block = 4 * c.blockLen()
	a.WeightRow = 4 * c.blockLen() / c.window.KernelH / c.passes()
	a.Bias = &c.bias[block*c.lanes]
	a.Channels = n
	c.run(a)
}
