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

// CanGroup reports whether the algorithm Grouped has kernels for a convolution: for
// groups of 2, 4 or 8 input and as many output channels, and, if the kernel is 3 wide,
// for those of 16 or more output and an even number of input channels. Where a
// processor's kernels for Direct do better, they are taken.
func (op *Conv) CanGroup() bool { return op.canGroup(cpu.AVX512) }

func (op *Conv) canGroup(isa cpu.ISA) bool {
	return grouped.Supports(isa, op.geometry(), op.groupChannels())
}

func newGrouped(op *Conv, isa cpu.ISA) *groupedConv {
	// The weights of a call's channels stay in the first-level cache.
	const weights = 5 << 10 // floats
	chunk := weights / (op.In.C / op.Groups * op.Kernel.H * op.Kernel.W)
	return &groupedConv{newWindowed(op, op.groupChannels().Step(), chunk), isa}
}

func (g *groupedConv) pack(f *filter) {
	g.grouped = grouped.New(g.isa, g.op.geometry(), g.op.groupChannels(), f.all(), f.bias, f.floats)
	g.weights = g.grouped.Weights()
}

func (g *groupedConv) resized(op *Conv) algorithm {
	other := *g
	other.op, other.grouped = op, g.grouped.Resized(op.geometry())
	return &other
}
