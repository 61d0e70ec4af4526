package interp

import (
	"fmt"
	"slices"

	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/shape"
	"github.com/cnnc-dev/cnnc/runtime/ref"
)

// runner is the state of one run. After the first error, tensors that cannot be
// had are zeros, so that an operation comes to its end before err is looked at.
type runner struct {
	g       *ir.Graph
	weights Weights
	batch   int
	data    [][]float64 // by ID; nil if not computed yet or not needed any more
	err     error
}

// dims returns a shape with the batch, a vector as channels of one pixel.
func (r *runner) dims(s shape.Shape) ref.Dims {
	return ref.Dims{N: r.batch, C: s.Channels(), H: s.Height(), W: s.Width()}
}

// eval computes v from its arguments.
func (r *runner) eval(v *ir.Value) ([]float64, error) {
	args := make([][]float64, len(v.Args))
	for i, a := range v.Args {
		args[i] = r.data[a]
	}
	shapes := r.g.ArgShapes(v)
	in, out := r.dims(shapes[0]), r.dims(v.Shape)
	src, dst := args[0], make([]float64, out.Len())

	switch v.Op {
	case ir.OpConv:
		r.conv(dst, args, in, out, v.Attr.(*ir.Conv))
	case ir.OpLinear:
		r.linear(dst, args, in, out, v.Attr.(*ir.Linear))
	case ir.OpBatchNorm, ir.OpScale, ir.OpAffine:
		norm, _ := ir.NormOf(v)
		r.norm(dst, src, norm, in)
		if a, ok := v.Attr.(*ir.BatchNorm); ok {
			r.activate(dst, dst, a.Act)
		}
	case ir.OpLayerNorm:
		a := v.Attr.(*ir.LayerNorm)
		weight := r.optional(a.Affine, a.Weights+".weight", in.C)
		bias := r.optional(a.Affine, a.Weights+".bias", in.C)
		ref.LayerNorm(dst, src, weight, bias, a.Eps, in)
	case ir.OpLRN:
		a := v.Attr.(*ir.LRN)
		ref.LRN(dst, src, a.Size, a.Alpha, a.Beta, a.K, in)
	case ir.OpGRN:
		a := v.Attr.(*ir.GRN)
		ref.GRN(dst, src, r.tensor(a.Weights+".weight", in.C), r.tensor(a.Weights+".bias", in.C), a.Eps, in)
	case ir.OpMaxPool:
		ref.MaxPool(dst, src, poolParams(in, out, v.Attr.(*ir.Pool)))
	case ir.OpAvgPool:
		a := v.Attr.(*ir.Pool)
		ref.AvgPool(dst, src, poolParams(in, out, a), a.CountPad)
	case ir.OpAdaptivePool:
		pool(dst, src, in, out, v.Attr.(*ir.AdaptivePool).Max)
	case ir.OpGlobalPool:
		pool(dst, src, in, out, v.Attr.(*ir.GlobalPool).Max)
	case ir.OpSoftmax:
		ref.Softmax(dst, src, in)
	case ir.OpAdd:
		ref.Add(dst, args...)
		r.activate(dst, dst, v.Attr.(*ir.Sum).Act)
	case ir.OpMul:
		a, b, other := src, args[1], r.dims(shapes[1])
		if in.Len() < other.Len() {
			a, b, in, other = b, a, other, in
		}
		ref.Mul(dst, a, b, in, other)
	case ir.OpConcat:
		channels := make([]int, len(shapes))
		for i, s := range shapes {
			channels[i] = s.Channels()
		}
		ref.Concat(dst, args, channels, out)
	case ir.OpSlice:
		a := v.Attr.(*ir.Slice)
		ref.Slice(dst, src, a.From, a.To, in)
	case ir.OpPick:
		ref.Pick(dst, src, v.Attr.(*ir.Pick).Channels, in)
	case ir.OpShuffle:
		ref.Shuffle(dst, src, v.Attr.(*ir.Shuffle).Groups, in)
	case ir.OpUpsample:
		ref.Upsample(dst, src, in, out)
	case ir.OpPad:
		p := v.Attr.(*ir.Pad).Pad
		ref.Pad(dst, src, p.Top, p.Left, p.Bottom, p.Right, in)
	case ir.OpFlatten, ir.OpDropout, ir.OpDropPath:
		copy(dst, src) // NCHW order is the vector's
	default:
		act, ok := ir.ActOf(v)
		if !ok {
			return nil, fmt.Errorf("interp does not know %v", v.Op)
		}
		r.activate(dst, src, act)
	}
	return dst, r.err
}

func (r *runner) conv(dst []float64, args [][]float64, in, out ref.Dims, a *ir.Conv) {
	x := slices.Clone(args[0])
	if a.InNorm != nil {
		r.norm(x, x, *a.InNorm, in)
	}
	r.activate(x, x, a.InAct)
	if a.Pools() {
		pooled := ref.Dims{N: in.N, C: in.C, H: out.H, W: out.W}
		mean := make([]float64, pooled.Len())
		ref.AvgPool(mean, x, ref.PoolParams{In: in, Out: pooled, Window: window(a.InPool, a.InPool, shape.Square(1), shape.Padding{})}, false)
		x, in = mean, pooled
	}
	if a.Gate {
		ref.Mul(x, x, args[1], in, ref.Dims{N: in.N, C: in.C, H: 1, W: 1})
	}
	r.norms(x, a.Before, in)
	if len(a.Parts) > 0 {
		r.parts(dst, x, in, out, a)
	} else {
		r.product(dst, x, in, out, a.Weights, a)
	}
	r.epilogue(dst, args, out, a.After, a.Residual, a.Act)
}

// product is the convolution itself, between tensors whose channels may be a part
// of a's.
func (r *runner) product(dst, x []float64, in, out ref.Dims, weights string, a *ir.Conv) {
	dims := []int{out.C, in.C / a.Groups, a.Kernel.H, a.Kernel.W}
	if a.Matrix {
		dims = dims[:2]
	}
	w := r.tensor(weights+".weight", dims...)
	bias := r.optional(a.Bias, weights+".bias", out.C)
	ref.Conv(dst, x, w, bias, ref.ConvParams{
		In: in, Out: out, Window: window(a.Kernel, a.Stride, a.Dilation, a.Pad), Groups: a.Groups,
	})
}

// parts computes the convolutions that a was made of, one by one.
func (r *runner) parts(dst, x []float64, in, out ref.Dims, a *ir.Conv) {
	var results [][]float64
	var channels []int
	for _, p := range a.Parts {
		partIn, partOut := in, out
		partIn.C, partOut.C = p.Inputs(in.C), p.Out
		seen, y := x, make([]float64, partOut.Len())
		if p.Channels != nil {
			seen = make([]float64, partIn.Len())
			ref.Pick(seen, x, p.Channels, in)
		}
		r.product(y, seen, partIn, partOut, p.Weights, a)
		r.norms(y, p.After, partOut)
		results, channels = append(results, y), append(channels, p.Out)
	}
	ref.Concat(dst, results, channels, out)
}

func (r *runner) linear(dst []float64, args [][]float64, in, out ref.Dims, a *ir.Linear) {
	vector := ref.Dims{N: in.N, C: in.C * in.H * in.W, H: 1, W: 1} // NCHW order
	x := slices.Clone(args[0])
	r.norms(x, a.Before, vector)
	w := r.tensor(a.Weights+".weight", a.Out, vector.C)
	bias := r.optional(a.Bias, a.Weights+".bias", a.Out)
	ref.Linear(dst, x, w, bias, in.N, vector.C, a.Out)
	r.epilogue(dst, args, out, a.After, a.Residual, a.Act)
}

// epilogue applies what passes moved behind a convolution or linear layer.
func (r *runner) epilogue(dst []float64, args [][]float64, out ref.Dims, after []ir.Norm, residual bool, act ir.Act) {
	r.norms(dst, after, out)
	if residual {
		ref.Add(dst, dst, args[len(args)-1])
	}
	r.activate(dst, dst, act)
}

// norms applies several in order, in place.
func (r *runner) norms(x []float64, norms []ir.Norm, d ref.Dims) {
	for _, n := range norms {
		r.norm(x, x, n, d)
	}
}

// norm applies one; dst may be src.
func (r *runner) norm(dst, src []float64, n ir.Norm, d ref.Dims) {
	switch n.Op {
	case ir.OpBatchNorm:
		weight := r.optional(n.Affine, n.Weights+".weight", d.C)
		bias := r.optional(n.Affine, n.Weights+".bias", d.C)
		mean := r.tensor(n.Weights+".running_mean", d.C)
		variance := r.tensor(n.Weights+".running_var", d.C)
		ref.BatchNorm(dst, src, mean, variance, weight, bias, n.Eps, d)
	case ir.OpScale:
		ref.Affine(dst, src, r.tensor(n.Weights, n.Dims...), []float64{0}, d)
	case ir.OpAffine:
		ref.Affine(dst, src, n.Scale, n.Shift, d)
	default:
		r.fail(fmt.Errorf("interp does not know the norm %v", n.Op))
	}
}

// activations has every activation without attributes.
var activations = map[ir.Op]func(float64) float64{
	ir.OpReLU:        ref.ReLU,
	ir.OpReLU6:       ref.ReLU6,
	ir.OpSigmoid:     ref.Sigmoid,
	ir.OpTanh:        ref.Tanh,
	ir.OpSiLU:        ref.SiLU,
	ir.OpHardSigmoid: ref.HardSigmoid,
	ir.OpHardSwish:   ref.HardSwish,
	ir.OpGELU:        ref.GELU,
	ir.OpGELUTanh:    ref.GELUTanh,
}

// activate applies an activation, if a is one; dst may be src.
func (r *runner) activate(dst, src []float64, a ir.Act) {
	if a == (ir.Act{}) {
		copy(dst, src)
		return
	}
	f := activations[a.Op]
	if a.Op == ir.OpLeakyReLU {
		f = ref.LeakyReLU(a.Slope)
	}
	if f == nil {
		r.fail(fmt.Errorf("interp does not know the activation %v", a.Op))
		return
	}
	ref.Apply(dst, src, f)
}

// tensor fetches a checkpoint tensor in float64.
func (r *runner) tensor(key string, dims ...int) []float64 {
	n, _ := shape.Product(dims...)
	wide := make([]float64, n)
	data, err := r.weights(key, dims)
	if err == nil && int64(len(data)) != n {
		err = fmt.Errorf("%s has %d elements, its shape %v has %d", key, len(data), dims, n)
	}
	if err != nil {
		r.fail(err)
		return wide
	}
	for i, x := range data {
		wide[i] = float64(x)
	}
	return wide
}

// optional fetches a tensor if the layer has it; nil if not.
func (r *runner) optional(has bool, key string, dims ...int) []float64 {
	if !has {
		return nil
	}
	return r.tensor(key, dims...)
}

// fail notes an error, unless there was one before.
func (r *runner) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// pool pools to a fixed size.
func pool(dst, src []float64, in, out ref.Dims, maximum bool) {
	if maximum {
		ref.AdaptiveMaxPool(dst, src, in, out)
		return
	}
	ref.AdaptiveAvgPool(dst, src, in, out)
}

func poolParams(in, out ref.Dims, a *ir.Pool) ref.PoolParams {
	return ref.PoolParams{In: in, Out: out, Window: window(a.Kernel, a.Stride, a.Dilation, a.Pad)}
}

func window(kernel, stride, dilation shape.Size, pad shape.Padding) ref.Window {
	return ref.Window{
		KH: kernel.H, KW: kernel.W,
		StrideH: stride.H, StrideW: stride.W,
		DilationH: dilation.H, DilationW: dilation.W,
		Top: pad.Top, Left: pad.Left, Bottom: pad.Bottom, Right: pad.Right,
	}
}
