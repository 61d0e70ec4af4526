package runtime

import (
	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/depthwise"
)

// depthwiseConv is the algorithm Depthwise.
type depthwiseConv struct {
	windowed
	isa cpu.ISA
}

// isDepthwise reports whether every channel is a group of its own.
func (op *Conv) isDepthwise() bool { return op.Groups == op.In.C && op.Groups == op.Out.C }

func newDepthwise(op *Conv, isa cpu.ISA) *depthwiseConv {
	// Maps are read as they lie, which the processor foresees. But where the second-level
	// cache holds them, it pays to read of kernels with many rows so many channels at a time
	// that a tile's input stays in the first-level cache.
	const cached = 448 << 10 // floats
	chunk := roundUp(op.Out.C, depthwise.Step)
	if op.Kernel.H > 3 && op.In.Len()+op.Out.Len() <= cached {
		chunk = 64
	}
	return &depthwiseConv{newWindowed(op, depthwise.Step, chunk), isa}
}

func (d *depthwiseConv) pack(f *filter) {
	d.depthwise = depthwise.New(d.isa, d.op.geometry(), d.op.Out.C, f.all(), f.bias, f.floats)
	d.weights = d.depthwise.Weights()
}

func (d *depthwiseConv) resized(op *Conv) algorithm {
	other := *d
	other.op, other.depthwise = op, d.depthwise.Resized(op.geometry())
	return &other
}
