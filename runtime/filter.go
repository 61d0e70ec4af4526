package runtime

import (
	goruntime "runtime"
	"sync"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/transpose"
)

// filter is a convolution's weights with the norms around it folded in. Products are
// float64 and rounded once.
type filter struct {
	weights []float32 // [out][in/groups][kh][kw], as the checkpoint has them
	scale   []float64 // what to multiply them by, a factor an output channel; nil for ones
	bias    []float32 // an output channel
	taps    int       // kh*kw
	asRead  *fold     // what is not folded in, but done to the input
	loader  *Loader
	memory  []float32 // for what is packed
}

// filter asks for the weights of a convolution, which have the given shape in the
// checkpoint, and returns what makes its filter of them when they are there.
func (ll *layerLoader) filter(key string, op *Conv, shape []int, norms []Norm) func() *filter {
	weights, bias := ll.tensor(key+".weight", shape...), &weight{}
	if op.Bias {
		bias = ll.tensor(key+".bias", op.Out.C)
	}
	folds := ll.folds(op, shape[1]*op.Groups, norms)
	return func() *filter { return newFilter(op, weights.data, bias.data, folds) }
}

// folds is the norms of a convolution.
type folds struct{ asRead, before, after *fold }

// folds asks for the weights of a convolution's norms, those before it over so many inputs:
// channels, or a linear layer's features.
func (ll *layerLoader) folds(op *Conv, inputs int, norms []Norm) folds {
	before, after := splitNorms(norms)
	asRead := 0 // of the norms before
	if op.InNorm {
		asRead = 1
	}
	return folds{ll.fold(before[:asRead], inputs), ll.fold(before[asRead:], inputs), ll.fold(after, op.Out.C)}
}

func newFilter(op *Conv, weights, bias []float32, norms folds) *filter {
	f := &filter{
		weights: weights,
		bias:    make([]float32, op.Out.C),
		taps:    op.Kernel.H * op.Kernel.W,
		asRead:  norms.asRead,
	}
	scale, shift := norms.after.values()
	if len(norms.after.norms) > 0 {
		f.scale = scale
	}
	shiftBefore := make([]float64, op.Out.C)
	if len(norms.before.norms) > 0 {
		f.weights, shiftBefore = norms.before.into(op, weights, scale)
		f.scale = nil
	}
	for o := range f.bias {
		b := shiftBefore[o]
		if bias != nil {
			b += float64(bias[o])
		}
		f.bias[o] = float32(b*scale[o] + shift[o])
	}
	return f
}

// into folds norms of the input into weights, which are multiplied by scale, too, and
// returns what the norms' shifts add to each output before it is.
func (f *fold) into(op *Conv, weights []float32, scale []float64) (folded []float32, shifts []float64) {
	factor, shift := f.values()
	inner, taps := op.In.C/op.Groups, op.Kernel.H*op.Kernel.W
	each := op.In.C * taps / f.channels // weights an input of the norms: its taps, or one
	folded, shifts = make([]float32, len(weights)), make([]float64, op.Out.C)
	for o := range shifts {
		first := o / (op.Out.C / op.Groups) * inner
		for i, x := range weights[o*inner*taps:][:inner*taps] {
			c, x := (first*taps+i)/each, float64(x)
			shifts[o] += x * shift[c]
			folded[o*inner*taps+i] = float32(x * factor[c] * scale[o])
		}
	}
	return folded, shifts
}

// floats returns n zeros, for what is packed, that begin at a cache line.
func (f *filter) floats(n int) []float32 {
	mem := f.memory[:n:n]
	f.memory = f.memory[roundUp(n, lineFloats):]
	return mem
}

// packedFloats is what a filter's weights and biases take of its memory.
func packedFloats(weights, bias int) int {
	return roundUp(weights, lineFloats) + roundUp(bias, lineFloats)
}

// inParallel calls pack for consecutive parts of [0, n), from several goroutines if there
// are weights enough: layers, too, are packed side by side.
func (f *filter) inParallel(n int, pack func(from, to int)) {
	const many = 256 << 10
	if len(f.weights) < many {
		pack(0, n)
		return
	}
	var wg sync.WaitGroup
	workers := min(n, goruntime.GOMAXPROCS(0))
	for w := range workers {
		wg.Go(func() { pack(n*w/workers, n*(w+1)/workers) })
	}
	wg.Wait()
}

// drop gives back the memory of n output channels from o on, which are packed, if the tensor is
// large. Others are given back when the layer is packed: each time costs some microseconds.
func (f *filter) drop(o, n int) {
	const large = 4 << 20 // floats
	if len(f.weights) >= large {
		f.loader.drop(f.weights[o*f.rowLen():][:n*f.rowLen()])
	}
}

// rowLen is the number of weights of an output channel.
func (f *filter) rowLen() int { return len(f.weights) / len(f.bias) }

// transpose puts weights of n output channels, from channel o on, side by side: weight
// from+i of channel o+j to dst[order[i]*pitch+j].
func (f *filter) transpose(dst []float32, pitch int, order []int, o, n, from int) {
	c := transpose.Call{
		Dst: dst, Pitch: pitch, Order: order,
		Src: f.weights[o*f.rowLen()+from:], Stride: f.rowLen(), Rows: n,
	}
	if f.scale != nil {
		c.Scale = f.scale[o:]
	}
	transpose.Run(cpu.Level(), &c)
}

// all returns all weights, [out][in/groups][kh][kw]: the checkpoint's own where nothing is
// folded in.
func (f *filter) all() []float32 {
	if f.scale == nil {
		return f.weights
	}
	n := f.rowLen()
	weights := make([]float32, len(f.weights))
	for o, scale := range f.scale {
		to := weights[o*n:][:n]
		for i, x := range f.weights[o*n:][:n] {
			to[i] = float32(float64(x) * scale)
		}
	}
	return weights
}
