package elaborate

import (
	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/shape"
)

// primitive is an operation of the compiler as the language offers it: a row of
// the table below.
type primitive struct {
	name string
	op   ir.Op
	doc  string
	// tensors is how many tensors it takes, by name; anyNumber takes a list.
	tensors   []string
	anyNumber bool
	attrs     []attribute
	// build makes the op's attributes; nil for an op that has none.
	build func(a *attributes) ir.Attr
	// key: the op has parameters in the checkpoint and so needs a label.
	key bool
}

// attribute is a parameter of a primitive that is no tensor.
type attribute struct {
	name string
	// def is the default, in the language's syntax for docs; "" if it must be given.
	def string
}

func (p *primitive) title() string { return p.name }

func (p *primitive) signature() signature {
	s := signature{variadic: p.anyNumber}
	for _, t := range p.tensors {
		s.params = append(s.params, param{name: t})
	}
	for _, a := range p.attrs {
		s.params = append(s.params, param{name: a.name, optional: a.def != ""})
	}
	return s
}

var oneTensor = []string{"x"}

// primitives is every operation, by the names of the field.
var primitives = []*primitive{
	{
		name: "conv", op: ir.OpConv, tensors: oneTensor, key: true,
		doc: "2-D convolution (cross-correlation, as everywhere)",
		attrs: []attribute{{"out", ""}, {"kernel", ""}, {"stride", "1"}, {"pad", "0"},
			{"dilation", "1"}, {"groups", "1"}, {"bias", "true"}},
		build: func(a *attributes) ir.Attr {
			w := a.window(shape.Square(1), true)
			return &ir.Conv{Out: a.int("out"), Kernel: w.Kernel, Stride: w.Stride, Pad: w.Pad,
				Dilation: w.Dilation, Groups: a.intOr("groups", 1), Bias: a.boolOr("bias", true), Weights: a.key}
		},
	},
	{
		name: "linear", op: ir.OpLinear, tensors: oneTensor, key: true,
		doc:   "fully connected layer on a vector",
		attrs: []attribute{{"out", ""}, {"bias", "true"}},
		build: func(a *attributes) ir.Attr {
			return &ir.Linear{Out: a.int("out"), Bias: a.boolOr("bias", true), Weights: a.key}
		},
	},
	{
		name: "linear2d", op: ir.OpConv, tensors: oneTensor, key: true,
		doc:   "a linear layer on each pixel of a map: a 1x1 convolution whose weights the checkpoint has as [out, in]",
		attrs: []attribute{{"out", ""}, {"bias", "true"}},
		build: func(a *attributes) ir.Attr {
			return &ir.Conv{Out: a.int("out"), Kernel: shape.Square(1), Stride: shape.Square(1), Dilation: shape.Square(1),
				Groups: 1, Bias: a.boolOr("bias", true), Weights: a.key, Matrix: true}
		},
	},
	{
		name: "batchnorm", op: ir.OpBatchNorm, tensors: oneTensor, key: true,
		doc:   "batch normalisation by the running statistics",
		attrs: []attribute{{"eps", "1e-5"}, {"affine", "true"}},
		build: func(a *attributes) ir.Attr {
			return &ir.BatchNorm{Eps: a.floatOr("eps", 1e-5), Affine: a.boolOr("affine", true), Weights: a.key}
		},
	},
	{
		name: "layernorm", op: ir.OpLayerNorm, tensors: oneTensor, key: true,
		doc:   "layer normalisation of each pixel over its channels, or of a vector",
		attrs: []attribute{{"eps", "1e-5"}, {"affine", "true"}},
		build: func(a *attributes) ir.Attr {
			return &ir.LayerNorm{Eps: a.floatOr("eps", 1e-5), Affine: a.boolOr("affine", true), Weights: a.key}
		},
	},
	{
		name: "scale", op: ir.OpScale, tensors: oneTensor, key: true,
		doc:   "a learned factor a channel; its label is the whole key of the checkpoint, which holds it with 1 or 3 dims",
		attrs: []attribute{{"dims", "1"}},
		build: func(a *attributes) ir.Attr {
			dims := []int{a.in[0].shape.Channels()}
			switch n := a.intOr("dims", 1); n {
			case 1:
			case 3:
				dims = append(dims, 1, 1)
			default:
				a.reject("dims", "1, for [c], or 3, for [c 1 1]")
			}
			return &ir.Scale{Weights: a.key, Dims: dims}
		},
	},
	{
		name: "maxpool", op: ir.OpMaxPool, tensors: oneTensor,
		doc:   "maximum over a window; moves by its own size unless stride is given",
		attrs: []attribute{{"kernel", ""}, {"stride", "kernel"}, {"pad", "0"}, {"dilation", "1"}, {"ceil", "false"}},
		build: func(a *attributes) ir.Attr {
			w := a.window(a.size("kernel"), true)
			return &ir.Pool{Kernel: w.Kernel, Stride: w.Stride, Pad: w.Pad, Dilation: w.Dilation, Ceil: a.boolOr("ceil", false), CountPad: true}
		},
	},
	{
		name: "avgpool", op: ir.OpAvgPool, tensors: oneTensor,
		doc:   "mean over a window; moves by its own size unless stride is given",
		attrs: []attribute{{"kernel", ""}, {"stride", "kernel"}, {"pad", "0"}, {"ceil", "false"}, {"count_include_pad", "true"}},
		build: func(a *attributes) ir.Attr {
			w := a.window(a.size("kernel"), false)
			return &ir.Pool{Kernel: w.Kernel, Stride: w.Stride, Pad: w.Pad, Dilation: w.Dilation, Ceil: a.boolOr("ceil", false),
				CountPad: a.boolOr("count_include_pad", true)}
		},
	},
	{
		name: "adaptiveavgpool", op: ir.OpAdaptivePool, tensors: oneTensor,
		doc:   "mean over windows that adapt to the output size",
		attrs: []attribute{{"out", ""}},
		build: func(a *attributes) ir.Attr { return &ir.AdaptivePool{Out: a.size("out")} },
	},
	{
		name: "adaptivemaxpool", op: ir.OpAdaptivePool, tensors: oneTensor,
		doc:   "maximum over windows that adapt to the output size",
		attrs: []attribute{{"out", ""}},
		build: func(a *attributes) ir.Attr { return &ir.AdaptivePool{Out: a.size("out"), Max: true} },
	},
	{
		name: "globalavgpool", op: ir.OpGlobalPool, tensors: oneTensor,
		doc:   "mean over the whole map, to [c 1 1]",
		build: func(*attributes) ir.Attr { return &ir.GlobalPool{} },
	},
	{
		name: "globalmaxpool", op: ir.OpGlobalPool, tensors: oneTensor,
		doc:   "maximum over the whole map, to [c 1 1]",
		build: func(*attributes) ir.Attr { return &ir.GlobalPool{Max: true} },
	},
	{
		name: "lrn", op: ir.OpLRN, tensors: oneTensor,
		doc:   "local response normalisation: x / (k + alpha/size * sum of squares over size channels)^beta",
		attrs: []attribute{{"size", ""}, {"alpha", "1e-4"}, {"beta", "0.75"}, {"k", "1.0"}},
		build: func(a *attributes) ir.Attr {
			return &ir.LRN{Size: a.int("size"), Alpha: a.floatOr("alpha", 1e-4), Beta: a.floatOr("beta", 0.75), K: a.floatOr("k", 1)}
		},
	},
	{
		name: "grn", op: ir.OpGRN, tensors: oneTensor, key: true,
		doc:   "global response normalisation: x + weight * x * n + bias, n being the channel's norm over the map, divided by eps plus the mean of all channels' norms",
		attrs: []attribute{{"eps", "1e-6"}},
		build: func(a *attributes) ir.Attr { return &ir.GRN{Eps: a.floatOr("eps", 1e-6), Weights: a.key} },
	},

	{name: "relu", op: ir.OpReLU, tensors: oneTensor, doc: "max(x, 0)"},
	{name: "relu6", op: ir.OpReLU6, tensors: oneTensor, doc: "min(max(x, 0), 6)"},
	{
		name: "leakyrelu", op: ir.OpLeakyReLU, tensors: oneTensor, doc: "x, or slope * x where x is negative",
		attrs: []attribute{{"slope", "0.01"}},
		build: func(a *attributes) ir.Attr { return &ir.Slope{Slope: a.floatOr("slope", 0.01)} },
	},
	{name: "sigmoid", op: ir.OpSigmoid, tensors: oneTensor, doc: "1 / (1 + exp(-x))"},
	{name: "tanh", op: ir.OpTanh, tensors: oneTensor, doc: "hyperbolic tangent"},
	{name: "silu", op: ir.OpSiLU, tensors: oneTensor, doc: "x * sigmoid(x), also called swish"},
	{name: "hardsigmoid", op: ir.OpHardSigmoid, tensors: oneTensor, doc: "relu6(x + 3) / 6"},
	{name: "hardswish", op: ir.OpHardSwish, tensors: oneTensor, doc: "x * relu6(x + 3) / 6"},
	{name: "gelu", op: ir.OpGELU, tensors: oneTensor, doc: "GELU, exact, by erf"},
	{name: "gelutanh", op: ir.OpGELUTanh, tensors: oneTensor, doc: "GELU by its tanh approximation"},
	{name: "softmax", op: ir.OpSoftmax, tensors: oneTensor, doc: "softmax over the channels"},

	{
		name: "add", op: ir.OpAdd, tensors: []string{"tensors"}, anyNumber: true,
		doc:   "sum of equal shapes; a + b is add(a, b)",
		build: func(*attributes) ir.Attr { return &ir.Sum{} },
	},
	{name: "mul", op: ir.OpMul, tensors: []string{"a", "b"}, doc: "product of equal shapes, or with a [c 1 1]; a * b is mul(a, b)"},
	{name: "concat", op: ir.OpConcat, tensors: []string{"tensors"}, anyNumber: true, doc: "channels of all, in order"},
	{
		name: "shuffle", op: ir.OpShuffle, tensors: oneTensor,
		doc:   "channel shuffle: [groups, c/groups] transposed",
		attrs: []attribute{{"groups", ""}},
		build: func(a *attributes) ir.Attr { return &ir.Shuffle{Groups: a.int("groups")} },
	},
	{name: "flatten", op: ir.OpFlatten, tensors: oneTensor, doc: "a map [c h w] as a vector [c*h*w]"},
	{
		name: "pad", op: ir.OpPad, tensors: oneTensor,
		doc:   "zeros around a map",
		attrs: []attribute{{"pad", ""}},
		build: func(a *attributes) ir.Attr { return &ir.Pad{Pad: a.padding("pad", nil)} },
	},
	{
		name: "upsample", op: ir.OpUpsample, tensors: oneTensor,
		doc:   "a larger map: each pixel repeated down and across (nearest neighbour)",
		attrs: []attribute{{"scale", ""}},
		build: func(a *attributes) ir.Attr { return &ir.Upsample{Scale: a.size("scale")} },
	},
	{
		name: "affine", op: ir.OpAffine, tensors: oneTensor,
		doc:   "x * scale + shift by constants, one number or a list with one a channel",
		attrs: []attribute{{"scale", "1.0"}, {"shift", "0.0"}},
		build: func(a *attributes) ir.Attr {
			return &ir.Affine{Scale: a.floatsOr("scale", 1), Shift: a.floatsOr("shift", 0)}
		},
	},
	{
		name: "dropout", op: ir.OpDropout, tensors: oneTensor,
		doc:   "nothing at inference; states what training does",
		attrs: []attribute{{"p", "0.5"}},
		build: func(a *attributes) ir.Attr { return &ir.Dropout{P: a.floatOr("p", 0.5)} },
	},
	{
		name: "droppath", op: ir.OpDropPath, tensors: oneTensor,
		doc:   "stochastic depth: nothing at inference",
		attrs: []attribute{{"p", "0.5"}},
		build: func(a *attributes) ir.Attr { return &ir.Dropout{P: a.floatOr("p", 0.5)} },
	},
	// identity is no operation: it gives back what it gets, as a block to pass
	// where none is wanted.
	{name: "identity", op: ir.OpInvalid, tensors: oneTensor, doc: "its input; a block to pass where none is wanted"},
}
