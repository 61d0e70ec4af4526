package runtime

import (
	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/winograd"
)

// PackedConv is a convolution with its weights.
type PackedConv struct {
	op   *Conv
	algo algorithm
}

// algorithm computes one convolution. It is made when the layer is asked for, gets
// its weights when all are, and is immutable from then on.
type algorithm interface {
	// scratch is what a thread needs, in floats.
	scratch() int
	// zeros is how many zeros it reads in place of pixels outside the map.
	zeros() int
	// packed is how many floats pack gets from f.floats, or a few more.
	packed() int
	// pack takes the weights over, in its own order.
	pack(f *filter)
	// run computes s.call.dst = act(conv(s.call.src) + bias + s.call.arg), where
	// s.call.arg.data is nil if there is no residual.
	run(s *Session)
	// first is the weights that a thread reads first, for the layer before to fetch.
	first(s *Session, worker int) []float32
}

// newAlgorithm is the one place where a convolution's kernels are chosen: the plan
// says which algorithm the shapes call for, the processor which it gets. What an
// algorithm has no kernel for, Direct computes.
func newAlgorithm(op *Conv, isa cpu.ISA, tiles bool) algorithm {
	switch {
	case op.pools() && op.Groups > 1 && op.isDepthwise():
		return newPooledDepthwise(op, isa)
	case tiles && op.tilesPay():
		return newTiled(op)
	case op.changesInput():
		return newPrologue(op, isa)
	case op.Algo == RowTaps && op.Groups == 1 && op.Dilation.W == 1:
		return newRowTaps(op, isa)
	case op.Algo == Depthwise && op.isDepthwise():
		return newDepthwise(op, isa)
	case op.Algo == Grouped && op.canGroup(isa):
		return newGrouped(op, isa)
	case op.Algo == Winograd4x4 && op.CanWinograd():
		return newWinograd(op, winograd.F4x4, isa)
	case op.Algo == Winograd2x2 && op.CanWinograd():
		return newWinograd(op, winograd.F2x2, isa)
	}
	return newDirect(op, isa)
}

// Tiled reports whether this processor's tiles, those of Intel's AMX, compute the convolution: it
// has them, the algorithm is Direct, and they are faster than vectors.
func (op *Conv) Tiled() bool { return cpu.Tiles() && op.tilesPay() }

// Conv packs a convolution: key.weight [Out.C, In.C/Groups, kh, kw], or [Out.C,
// In.C] if it is a matrix; key.bias if there is one, and the norms folded in.
func (l *Loader) Conv(key string, op *Conv, norms ...Norm) *PackedConv {
	p := &PackedConv{op, newAlgorithm(op, cpu.Level(), cpu.Tiles())}
	layer := l.layer()
	l.packFilter(layer, p.algo, layer.filter(key, op, op.weights(), norms))
	return p
}

// products is the number of multiply-adds of an image.
func (op *Conv) products() int {
	return op.Out.Len() * op.In.C / op.Groups * op.Kernel.H * op.Kernel.W
}

// weights is the shape that the checkpoint has them in.
func (op *Conv) weights() []int {
	shape := []int{op.Out.C, op.In.C / op.Groups, op.Kernel.H, op.Kernel.W}
	if op.Matrix {
		return shape[:2]
	}
	return shape
}

// packFilter packs an algorithm, once the layer's weights are there, with the filter that
// fill returns then.
func (l *Loader) packFilter(layer *layerLoader, algo algorithm, fill func() *filter) {
	l.needScratch(algo.scratch())
	l.needZeros(algo.zeros())
	if l.leader != nil {
		l.leader.leads(algo)
	}
	if p, ok := algo.(leader); ok {
		l.leader = p
	}
	from := l.packed
	l.packed += algo.packed()
	to := l.packed
	layer.pack(func() {
		f := fill()
		f.loader, f.memory = l, l.memory[from:to]
		algo.pack(f)
	})
}

// Run computes dst = act(conv(src) + bias). dst must not overlap src.
func (p *PackedConv) Run(s *Session, dst, src View) {
	s.call = call{dst: s.tensor(dst, p.op.Out), src: s.tensor(src, p.op.In)}
	p.algo.run(s)
}

// RunAdd computes dst = act(conv(src) + bias + residual). dst must not overlap src;
// it may be residual.
func (p *PackedConv) RunAdd(s *Session, dst, src, residual View) {
	s.call = call{dst: s.tensor(dst, p.op.Out), src: s.tensor(src, p.op.In), arg: s.tensor(residual, p.op.Out)}
	p.algo.run(s)
}

// RunGated is Run of src with its channels multiplied by gate's, [In.C 1 1].
func (p *PackedConv) RunGated(s *Session, dst, src, gate View) {
	s.call = call{dst: s.tensor(dst, p.op.Out), src: s.tensor(src, p.op.In), gate: s.tensor(gate, p.op.gate())}
	p.algo.run(s)
}

// RunGatedAdd is RunAdd of src with its channels multiplied by gate's, [In.C 1 1].
func (p *PackedConv) RunGatedAdd(s *Session, dst, src, gate, residual View) {
	s.call = call{
		dst: s.tensor(dst, p.op.Out), src: s.tensor(src, p.op.In), gate: s.tensor(gate, p.op.gate()),
		arg: s.tensor(residual, p.op.Out),
	}
	p.algo.run(s)
}
