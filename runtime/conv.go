package runtime

import "github.com/cnnc-dev/cnnc/runtime/internal/cpu"

// PackedConv is a convolution with its weights.
type PackedConv struct {
	op   *Conv
	algo algorithm
}

// algorithm computes one convolution. It is made when the layer is asked for, gets
// its weights in the background, and is immutable from then on.
type algorithm interface {
	// scratch is what a thread needs, in floats.
	scratch() int
	// zeros is how many zeros it reads in place of pixels outside the map.
	zeros() int
	// pack takes the weights over, in its own order.
	pack(f *filter)
	// run computes s.call.dst = act(conv(s.call.src) + bias + s.call.arg), where
	// s.call.arg.data is nil if there is no residual.
	run(s *Session)
}

// newAlgorithm is the one place where a convolution's kernels are chosen: the plan
// says which algorithm the shapes call for, the processor which it gets. What an
// algorithm has no kernel for, Direct computes.
func newAlgorithm(op *Conv, isa cpu.ISA) algorithm {
	switch {
	case op.changesInput():
		return newPrologue(op, isa)
	case op.Algo == RowTaps && op.Groups == 1 && op.Dilation.W == 1:
		return newRowTaps(op, isa)
	case op.Algo == Depthwise && op.isDepthwise():
		return newDepthwise(op, isa)
	case op.Algo == Grouped && op.canGroup(isa):
		return newGrouped(op, isa)
	case op.Algo == Winograd && op.canWinograd():
		return newWinograd(op, isa)
	}
	return newDirect(op, isa)
}

// Conv packs a convolution: key.weight [Out.C, In.C/Groups, kh, kw], or [Out.C,
// In.C] if it is a matrix; key.bias if there is one, and the norms folded in.
func (l *Loader) Conv(key string, op *Conv, norms ...Norm) *PackedConv {
	p := &PackedConv{op, newAlgorithm(op, cpu.Level())}
	layer := l.layer()
	l.packFilter(layer, p.algo, layer.filter(key, op, op.weights(), norms))
	return p
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
	layer.pack(func() {
		f := fill()
		f.memory = &l.memory
		algo.pack(f)
	})
}

// filter asks for the weights of a convolution, which have the given shape in the
// checkpoint, and returns what makes its filter of them when they are there.
func (ll *layerLoader) filter(key string, op *Conv, shape []int, norms []Norm) func() *filter {
	weights, bias := ll.tensor(key+".weight", shape...), &weight{}
	if op.Bias {
		bias = ll.tensor(key+".bias", op.Out.C)
	}
	folds := ll.folds(op, norms)
	return func() *filter { return newFilter(op, weights.data, bias.data, folds) }
}

// folds is the norms of a convolution.
type folds struct{ asRead, before, after *fold }

// folds asks for the weights of a convolution's norms.
func (ll *layerLoader) folds(op *Conv, norms []Norm) folds {
	before, after := splitNorms(norms)
	asRead := 0 // of the norms before
	if op.InNorm {
		asRead = 1
	}
	return folds{ll.fold(before[:asRead], op.In.C), ll.fold(before[asRead:], op.In.C), ll.fold(after, op.Out.C)}
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

// filter is a convolution's weights with the norms around it folded in. Products are
// float64 and rounded once.
type filter struct {
	weights []float32 // [out][in/groups][kh][kw], as the checkpoint has them
	inner   int       // in/groups
	taps    int       // kh*kw
	perIn   []float64 // a factor an input channel; nil for ones
	perOut  []float64 // a factor an output channel; nil for ones
	groups  int
	bias    []float32 // an output channel
	asRead  *fold     // what is not folded in, but done to the input
	memory  *slabs    // for what is packed
}

func newFilter(op *Conv, weights, bias []float32, norms folds) *filter {
	f := &filter{
		weights: weights,
		inner:   op.In.C / op.Groups,
		taps:    op.Kernel.H * op.Kernel.W,
		groups:  op.Groups,
		bias:    make([]float32, op.Out.C),
		asRead:  norms.asRead,
	}
	bias64 := make([]float64, op.Out.C)
	for o, b := range bias {
		bias64[o] = float64(b)
	}
	if len(norms.before.norms) > 0 {
		scale, shift := norms.before.values()
		for o := range bias64 {
			w := weights[o*f.inner*f.taps:][:f.inner*f.taps]
			first := f.group(o) * f.inner
			for i, x := range w {
				bias64[o] += float64(x) * shift[first+i/f.taps]
			}
		}
		f.perIn = scale
	}
	if len(norms.after.norms) > 0 {
		scale, shift := norms.after.values()
		for o := range bias64 {
			bias64[o] = bias64[o]*scale[o] + shift[o]
		}
		f.perOut = scale
	}
	for o, b := range bias64 {
		f.bias[o] = float32(b)
	}
	return f
}

// outputs is how many output channels there are.
func (f *filter) outputs() int { return len(f.bias) }

// group is the group of output channel o.
func (f *filter) group(o int) int { return o / (f.outputs() / f.groups) }

// rowLen is the number of weights of an output channel.
func (f *filter) rowLen() int { return f.inner * f.taps }

// row returns output channel o's weights, [in/groups][kh][kw]: the checkpoint's own
// where nothing is folded in, else in buf, which holds rowLen floats.
func (f *filter) row(o int, buf []float32) []float32 { return f.channel(o, 0, f.rowLen(), buf) }

// channel returns weights [from, to) of output channel o, of its [in/groups][kh][kw]:
// as row does.
func (f *filter) channel(o, from, to int, buf []float32) []float32 {
	w := f.weights[o*f.rowLen():][from:to]
	if f.perIn == nil && f.perOut == nil {
		return w
	}
	scale := 1.0
	if f.perOut != nil {
		scale = f.perOut[o]
	}
	out := buf[:len(w)]
	if f.perIn == nil {
		for i, x := range w {
			out[i] = float32(float64(x) * scale)
		}
		return out
	}
	in := f.perIn[f.group(o)*f.inner:]
	for i, x := range w {
		out[i] = float32(float64(x) * in[(from+i)/f.taps] * scale)
	}
	return out
}
