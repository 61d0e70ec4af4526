// Package depthwise has the kernels of depthwise convolution: one input and one
// output channel a group.
//
// Kernels 3, 5 and 7 wide of horizontal stride 1 and 2 without dilation, which is what
// networks use, have their own code; all others share one.
package depthwise

import (
	"fmt"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/window"
)

//go:generate go -C ../_asm run ./depthwise -out ../depthwise/kernel_amd64.s -stubs ../depthwise/kernel_amd64.go -pkg depthwise

// Step is what the channels of a Call are multiples of, if they do not end at the last
// channel.
const Step = 16

// maxLanes is the greatest number of channels in a vector.
const maxLanes = 16

// Conv is a depthwise convolution, its weights packed for one instruction set.
type Conv struct {
	window   *window.Window
	isa      cpu.ISA
	channels int
	lanes    int

	// weights are [vector of channels][kernel row][kernel column][channel], with zeros
	// behind the last channel; so is bias.
	weights []float32
	bias    []float32
}

// New packs weights [channel][kernel row][kernel column] and biases into memory from
// floats, which returns zeros that begin at a cache line.
func New(isa cpu.ISA, g window.Geometry, channels int, weights, bias []float32, floats func(n int) []float32) *Conv {
	lanes := maxLanes
	if isa == cpu.AVX2 {
		lanes = 8
	}
	taps := g.Taps()
	padded := (channels + lanes - 1) / lanes * lanes
	c := &Conv{
		window:   newWindow(isa, g),
		isa:      isa,
		channels: channels,
		lanes:    lanes,
		weights:  floats(padded * taps),
		bias:     floats(padded),
	}
	copy(c.bias, bias[:channels])
	for i := range channels {
		block := c.weights[i/lanes*lanes*taps:]
		for tap := range taps {
			block[tap*lanes+i%lanes] = weights[i*taps+tap]
		}
	}
	return c
}

// Resized returns the convolution, with the same weights, of maps of other heights.
func (c *Conv) Resized(g window.Geometry) *Conv {
	other := *c
	other.window = newWindow(c.isa, g)
	return &other
}

func newWindow(isa cpu.ISA, g window.Geometry) *window.Window {
	return window.New(g, isa == cpu.AVX512 && slides(&g) && g.CanPair())
}

// slides reports whether there is a kernel of this very width and stride.
func slides(g *window.Geometry) bool {
	return g.DilationW == 1 && g.StrideW <= 2 && (g.KernelW == 3 || g.KernelW == 5 || g.KernelW == 7)
}

// Weights returns the packed weights.
func (c *Conv) Weights() []float32 { return c.weights }

// Run computes dst = clamp(conv(src) + bias + residual) as call says.
func (c *Conv) Run(call *window.Call) {
	if call.FromC%Step != 0 || call.ToC%Step != 0 && call.ToC != c.channels {
		panic(fmt.Sprintf("depthwise: channels [%d,%d) of %d", call.FromC, call.ToC, c.channels))
	}
	a := c.args(call)
	if c.isa == cpu.Generic {
		c.generic(call)
	} else {
		c.run(&a)
	}
}

// args returns a call's arguments for the kernel.
func (c *Conv) args(call *window.Call) window.Args {
	a := c.window.Args(call, c.channels, c.channels)
	taps := c.window.Taps()
	a.Dst = &call.Dst.Data[call.FromC]
	a.Src = &call.Src.Data[call.FromC]
	if call.Residual.Data != nil {
		a.Residual = &call.Residual.Data[call.FromC]
	}
	a.Weights = &c.weights[call.FromC*taps]
	a.Block = 4 * taps * c.lanes
	a.WeightRow = 4 * c.window.KernelW * c.lanes
	a.Bias = &c.bias[call.FromC]
	a.Channels = call.ToC - call.FromC
	return a
}
