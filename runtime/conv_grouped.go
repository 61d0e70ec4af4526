package runtime

import (
	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/grouped"
)

// groupedConv is the algorithm Grouped.
type groupedConv struct {
	windowed
	isa cpu.ISA
}

func (op *Conv) groupChannels() grouped.Channels {
	return grouped.Channels{In: op.In.C, Out: op.Out.C, Groups: op.Groups}
}

// CanGroup reports whether the algorithm Grouped has a kernel for a convolution: for
// groups of 2, 4 or 8 input and as many output channels, and for larger ones of 16 or
// more output and an even number of input channels.
func (op *Conv) CanGroup() bool { return grouped.Supports(op.groupChannels()) }

func newGrouped(op *Conv, isa cpu.ISA) *groupedConv {
	// The weights of a call's channels stay in the first-level cache.
	const weights = 5 << 10 // floats
	chunk := weights / (op.In.C / op.Groups * op.Kernel.H * op.Kernel.W)
	return &groupedConv{newWindowed(op, op.groupChannels().Step(), chunk), isa}
}

func (g *groupedConv) pack(f *filter) {
	g.grouped = grouped.New(g.isa, g.op.geometry(), g.op.groupChannels(), f.all(), f.bias)
}
