package interp

import (
	"fmt"
	"slices"

	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/shape"
	"github.com/cnnc-dev/cnnc/runtime/ref"
)

// runner is the state of one run.
type runner struct {
	g       *ir.Graph
	weights Weights
	batch   int
	data    [][]float64 // by ID; nil if not computed yet or not needed any more
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
		return dst, r.conv(dst, args, in, out, v.Attr.(*ir.Conv))
	case ir.OpLinear:
		return dst, r.linear(dst, args, in, out, v.Attr.(*ir.Linear))
	case ir.OpBatchNorm, ir.OpScale, ir.OpAffine:
		norm, _ := ir.NormOf(v)
		if err := r.norm(dst, src, norm, in); err != nil {
			return nil, err
		}
		if a, ok := v.Attr.(*ir.BatchNorm); ok {
			return dst, activate(dst, dst, a.Act)
		}
	case ir.OpLayerNorm:
		a := v.Attr.(*ir.LayerNorm)
		weight, bias, err := r.affine(a.Affine, a.Weights, in.C)
		if err != nil {
			return nil, err
		}
		ref.LayerNorm(dst, src, weight, bias, a.Eps, in)
	case ir.OpLRN:
		a := v.Attr.(*ir.LRN)
		ref.LRN(dst, src, a.Size, a.Alpha, a.Beta, a.K, in)
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
		return dst, activate(dst, dst, v.Attr.(*ir.Sum).Act)
	case ir.OpMul:
		other := r.dims(shapes[1])
		if in.Len() < other.Len() {
			src, args[1], in, other = args[1], src, other, in
		}
		ref.Mul(dst, src, args[1], in, other)
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
		return dst, activate(dst, src, act)
	}
	return dst, nil
}

func (r *runner) conv(dst []float64, args [][]float64, in, out ref.Dims, a *ir.Conv) error {
	src, err := r.inputSide(args[0], a, in)
	if err != nil {
		return err
	}
	w, err := r.tensor(a.Weights+".weight", a.Out, in.C/a.Groups, a.Kernel.H, a.Kernel.W)
	if err != nil {
		return err
	}
	bias, err := r.bias(a.Bias, a.Weights, a.Out)
	if err != nil {
		return err
	}
	ref.Conv(dst, src, w, bias, ref.ConvParams{In: in, Out: out, Window: window(a.Kernel, a.Stride, a.Dilation, a.Pad), Groups: a.Groups})
	return r.epilogue(dst, args, out, a.After, a.Residual, a.Act)
}

// inputSide applies what passes moved before a convolution's arithmetic.
func (r *runner) inputSide(src []float64, a *ir.Conv, in ref.Dims) ([]float64, error) {
	x := slices.Clone(src)
	if a.InNorm != nil {
		if err := r.norm(x, x, *a.InNorm, in); err != nil {
			return nil, err
		}
	}
	if err := activate(x, x, a.InAct); err != nil {
		return nil, err
	}
	return x, r.norms(x, a.Before, in)
}

func (r *runner) linear(dst []float64, args [][]float64, in, out ref.Dims, a *ir.Linear) error {
	vector := ref.Dims{N: in.N, C: in.C * in.H * in.W, H: 1, W: 1} // NCHW order
	src := slices.Clone(args[0])
	if err := r.norms(src, a.Before, vector); err != nil {
		return err
	}
	w, err := r.tensor(a.Weights+".weight", a.Out, vector.C)
	if err != nil {
		return err
	}
	bias, err := r.bias(a.Bias, a.Weights, a.Out)
	if err != nil {
		return err
	}
	ref.Linear(dst, src, w, bias, in.N, vector.C, a.Out)
	return r.epilogue(dst, args, out, a.After, a.Residual, a.Act)
}

// epilogue applies what passes moved behind a convolution or linear layer.
func (r *runner) epilogue(dst []float64, args [][]float64, out ref.Dims, after []ir.Norm, residual bool, act ir.Act) error {
	if err := r.norms(dst, after, out); err != nil {
		return err
	}
	if residual {
		ref.Add(dst, dst, args[len(args)-1])
	}
	return activate(dst, dst, act)
}

// norms applies several in order, in place.
func (r *runner) norms(x []float64, norms []ir.Norm, d ref.Dims) error {
	for _, n := range norms {
		if err := r.norm(x, x, n, d); err != nil {
			return err
		}
	}
	return nil
}

// norm applies one; dst may be src.
func (r *runner) norm(dst, src []float64, n ir.Norm, d ref.Dims) error {
	switch n.Op {
	case ir.OpBatchNorm:
		weight, bias, err := r.affine(n.Affine, n.Weights, d.C)
		if err != nil {
			return err
		}
		mean, err := r.tensor(n.Weights+".running_mean", d.C)
		if err != nil {
			return err
		}
		variance, err := r.tensor(n.Weights+".running_var", d.C)
		if err != nil {
			return err
		}
		ref.BatchNorm(dst, src, mean, variance, weight, bias, n.Eps, d)
	case ir.OpScale:
		scale, err := r.tensor(n.Weights, n.Dims...)
		if err != nil {
			return err
		}
		ref.Affine(dst, src, scale, []float64{0}, d)
	case ir.OpAffine:
		ref.Affine(dst, src, n.Scale, n.Shift, d)
	default:
		return fmt.Errorf("interp does not know the norm %v", n.Op)
	}
	return nil
}

// affine fetches a norm's weight and bias, nil if it has none.
func (r *runner) affine(has bool, weights string, c int) (weight, bias []float64, err error) {
	if !has {
		return nil, nil, nil
	}
	if weight, err = r.tensor(weights+".weight", c); err != nil {
		return nil, nil, err
	}
	bias, err = r.tensor(weights+".bias", c)
	return weight, bias, err
}

// bias fetches a layer's bias, nil if it has none.
func (r *runner) bias(has bool, weights string, out int) ([]float64, error) {
	if !has {
		return nil, nil
	}
	return r.tensor(weights+".bias", out)
}

// tensor fetches a checkpoint tensor in float64.
func (r *runner) tensor(key string, dims ...int) ([]float64, error) {
	data, err := r.weights(key, dims)
	if err != nil {
		return nil, err
	}
	if n, _ := shape.Product(dims...); int64(len(data)) != n {
		return nil, fmt.Errorf("%s has %d elements, its shape %v has %d", key, len(data), dims, n)
	}
	wide := make([]float64, len(data))
	for i, x := range data {
		wide[i] = float64(x)
	}
	return wide, nil
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
func activate(dst, src []float64, a ir.Act) error {
	if a.Op == ir.OpInvalid {
		copy(dst, src)
		return nil
	}
	f := activations[a.Op]
	if a.Op == ir.OpLeakyReLU {
		f = ref.LeakyReLU(a.Slope)
	}
	if f == nil {
		return fmt.Errorf("interp does not know the activation %v", a.Op)
	}
	ref.Apply(dst, src, f)
	return nil
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
