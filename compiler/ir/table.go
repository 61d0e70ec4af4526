package ir

import "github.com/cnnc-dev/cnnc/compiler/shape"

// The table has a row an op. CONTRIBUTING.md says what else an op needs; tests walk
// the table for gaps.
var table = [numOps]Info{
	OpInvalid: {Name: "invalid"},
	OpInput:   {Name: "input", Doc: "an input of the network"},
	OpConv: {
		Name: "conv", Doc: "2-D convolution with groups, dilation and any padding",
		MinArgs: 1, MaxArgs: 3, NewAttr: fresh[Conv],
		Shape: rule(func(a *Conv, in []shape.Shape) (shape.Shape, error) {
			x := in[0]
			if a.Pools() {
				var err error
				if x, err = shape.AvgPool(x, shape.Window{Kernel: a.InPool, Stride: a.InPool, Dilation: shape.Square(1)}, false); err != nil {
					return nil, err
				}
			}
			op := "conv"
			if a.Matrix {
				op = "linear2d"
			}
			return shape.Conv(op, x, a.Out, shape.Window{Kernel: a.Kernel, Stride: a.Stride, Dilation: a.Dilation, Pad: a.Pad}, a.Groups)
		}),
		Params: convParams, MACs: convMACs,
	},
	OpLinear: {
		Name: "linear", Doc: "fully connected layer",
		MinArgs: 1, MaxArgs: 2, NewAttr: fresh[Linear],
		Shape: rule(func(a *Linear, in []shape.Shape) (shape.Shape, error) {
			return shape.Linear(in[0], a.Out, a.Flatten)
		}),
		Params: linearParams, MACs: linearMACs,
	},
	OpBatchNorm: {
		Name: "batchnorm", Doc: "batch normalisation by the running statistics",
		MinArgs: 1, MaxArgs: 1, NewAttr: fresh[BatchNorm],
		Shape: rule(func(a *BatchNorm, in []shape.Shape) (shape.Shape, error) {
			return shape.Norm("batchnorm", in[0], a.Eps)
		}),
		Params: func(v *Value, args []shape.Shape) []Param {
			n, _ := NormOf(v)
			return n.params(args[0].Channels())
		},
	},
	OpLayerNorm: {
		Name: "layernorm", Doc: "layer normalisation of each pixel over its channels",
		MinArgs: 1, MaxArgs: 1, NewAttr: fresh[LayerNorm],
		Shape: rule(func(a *LayerNorm, in []shape.Shape) (shape.Shape, error) {
			return shape.Norm("layernorm", in[0], a.Eps)
		}),
		Params: layerNormParams,
	},
	OpLRN: {
		Name: "lrn", Doc: "local response normalisation across channels",
		MinArgs: 1, MaxArgs: 1, NewAttr: fresh[LRN],
		Shape: rule(func(a *LRN, in []shape.Shape) (shape.Shape, error) { return shape.LRN(in[0], a.Size) }),
	},
	OpGRN: {
		Name: "grn", Doc: "global response normalisation: channels by their norms over the map",
		MinArgs: 1, MaxArgs: 1, NewAttr: fresh[GRN],
		Shape: rule(func(a *GRN, in []shape.Shape) (shape.Shape, error) { return shape.GRN(in[0], a.Eps) }),
		Params: func(v *Value, args []shape.Shape) []Param {
			return weightAndBias(v.Attr.(*GRN).Weights, args[0].Channels())
		},
	},
	OpMaxPool: {
		Name: "maxpool", Doc: "maximum over a sliding window",
		MinArgs: 1, MaxArgs: 1, NewAttr: fresh[Pool],
		Shape: rule(func(a *Pool, in []shape.Shape) (shape.Shape, error) {
			return shape.MaxPool(in[0], a.window(), a.Ceil)
		}),
	},
	OpAvgPool: {
		Name: "avgpool", Doc: "mean over a sliding window",
		MinArgs: 1, MaxArgs: 1, NewAttr: fresh[Pool],
		Shape: rule(func(a *Pool, in []shape.Shape) (shape.Shape, error) {
			return shape.AvgPool(in[0], a.window(), a.Ceil)
		}),
	},
	OpAdaptivePool: {
		Name: "adaptivepool", Doc: "mean or maximum over windows that adapt to a fixed output size",
		MinArgs: 1, MaxArgs: 1, NewAttr: fresh[AdaptivePool],
		Shape: rule(func(a *AdaptivePool, in []shape.Shape) (shape.Shape, error) {
			if a.Max {
				return shape.AdaptivePool("adaptivemaxpool", in[0], a.Out)
			}
			return shape.AdaptivePool("adaptiveavgpool", in[0], a.Out)
		}),
	},
	OpGlobalPool: {
		Name: "globalpool", Doc: "mean or maximum over the whole map, to [c 1 1]",
		MinArgs: 1, MaxArgs: 1, NewAttr: fresh[GlobalPool],
		Shape: rule(func(a *GlobalPool, in []shape.Shape) (shape.Shape, error) {
			if a.Max {
				return shape.GlobalPool("globalmaxpool", in[0])
			}
			return shape.GlobalPool("globalavgpool", in[0])
		}),
	},
	OpReLU:  activation("relu", "max(x, 0)"),
	OpReLU6: activation("relu6", "min(max(x, 0), 6)"),
	OpLeakyReLU: {
		Name: "leakyrelu", Doc: "x, or slope * x where x is negative",
		MinArgs: 1, MaxArgs: 1, NewAttr: fresh[Slope], Activation: true,
		Shape: rule(func(_ *Slope, in []shape.Shape) (shape.Shape, error) { return shape.Same(in[0]) }),
	},
	OpSigmoid:     activation("sigmoid", "1 / (1 + exp(-x))"),
	OpTanh:        activation("tanh", "hyperbolic tangent"),
	OpSiLU:        activation("silu", "x * sigmoid(x), also known as swish"),
	OpHardSigmoid: activation("hardsigmoid", "relu6(x + 3) / 6"),
	OpHardSwish:   activation("hardswish", "x * relu6(x + 3) / 6"),
	OpGELU:        activation("gelu", "x * (1 + erf(x / sqrt 2)) / 2"),
	OpGELUTanh:    activation("gelutanh", "GELU by its tanh approximation"),
	OpSoftmax: {
		Name: "softmax", Doc: "exponentials over channels, scaled to sum to 1",
		MinArgs: 1, MaxArgs: 1, Shape: same,
	},
	OpAdd: {
		Name: "add", Doc: "element-wise sum of equal shapes",
		MinArgs: 2, MaxArgs: -1, NewAttr: fresh[Sum],
		Shape: func(_ Attr, in []shape.Shape) (shape.Shape, error) { return shape.Add(in...) },
	},
	OpMul: {
		Name: "mul", Doc: "element-wise product of equal shapes, or of a map and [c 1 1]",
		MinArgs: 2, MaxArgs: 2,
		Shape: func(_ Attr, in []shape.Shape) (shape.Shape, error) { return shape.Mul(in[0], in[1]) },
	},
	OpConcat: {
		Name: "concat", Doc: "concatenation over channels",
		MinArgs: 1, MaxArgs: -1,
		Shape: func(_ Attr, in []shape.Shape) (shape.Shape, error) { return shape.Concat(in...) },
	},
	OpSlice: {
		Name: "slice", Doc: "a range of channels",
		MinArgs: 1, MaxArgs: 1, NewAttr: fresh[Slice],
		Shape: rule(func(a *Slice, in []shape.Shape) (shape.Shape, error) { return shape.Slice(in[0], a.From, a.To) }),
	},
	OpPick: {
		Name: "pick", Doc: "listed channels in the listed order",
		MinArgs: 1, MaxArgs: 1, NewAttr: fresh[Pick],
		Shape: rule(func(a *Pick, in []shape.Shape) (shape.Shape, error) { return shape.Pick(in[0], a.Channels) }),
	},
	OpShuffle: {
		Name: "shuffle", Doc: "channel shuffle: [g, c/g] transposed to [c/g, g]",
		MinArgs: 1, MaxArgs: 1, NewAttr: fresh[Shuffle],
		Shape: rule(func(a *Shuffle, in []shape.Shape) (shape.Shape, error) { return shape.Shuffle(in[0], a.Groups) }),
	},
	OpFlatten: {
		Name: "flatten", Doc: "a map read as a vector in NCHW order",
		MinArgs: 1, MaxArgs: 1,
		Shape: func(_ Attr, in []shape.Shape) (shape.Shape, error) { return shape.Flatten(in[0]) },
	},
	OpPad: {
		Name: "pad", Doc: "zeros around a map",
		MinArgs: 1, MaxArgs: 1, NewAttr: fresh[Pad],
		Shape: rule(func(a *Pad, in []shape.Shape) (shape.Shape, error) { return shape.Pad(in[0], a.Pad) }),
	},
	OpUpsample: {
		Name: "upsample", Doc: "a larger map, each pixel repeated down and across",
		MinArgs: 1, MaxArgs: 1, NewAttr: fresh[Upsample],
		Shape: rule(func(a *Upsample, in []shape.Shape) (shape.Shape, error) { return shape.Upsample(in[0], a.Scale) }),
	},
	OpDropout: {
		Name: "dropout", Doc: "nothing at inference",
		MinArgs: 1, MaxArgs: 1, NewAttr: fresh[Dropout], Identity: true,
		Shape: rule(func(a *Dropout, in []shape.Shape) (shape.Shape, error) {
			return shape.Dropout("dropout", in[0], a.P)
		}),
	},
	OpDropPath: {
		Name: "droppath", Doc: "stochastic depth; nothing at inference",
		MinArgs: 1, MaxArgs: 1, NewAttr: fresh[Dropout], Identity: true,
		Shape: rule(func(a *Dropout, in []shape.Shape) (shape.Shape, error) {
			return shape.Dropout("droppath", in[0], a.P)
		}),
	},
	OpAffine: {
		Name: "affine", Doc: "x * scale + shift a channel, by constants of the spec",
		MinArgs: 1, MaxArgs: 1, NewAttr: fresh[Affine],
		Shape: rule(func(a *Affine, in []shape.Shape) (shape.Shape, error) {
			return shape.Affine(in[0], len(a.Scale), len(a.Shift))
		}),
	},
	OpScale: {
		Name: "scale", Doc: "x * a learned factor a channel",
		MinArgs: 1, MaxArgs: 1, NewAttr: fresh[Scale],
		Shape: rule(func(a *Scale, in []shape.Shape) (shape.Shape, error) { return shape.Scale(in[0], a.Dims) }),
		Params: func(v *Value, args []shape.Shape) []Param {
			n, _ := NormOf(v)
			return n.params(args[0].Channels())
		},
	},
}

// Info returns the op's row; an op that does not exist has OpInvalid's.
func (o Op) Info() *Info {
	if o >= numOps {
		o = OpInvalid
	}
	return &table[o]
}

// String returns the op's name in IR text.
func (o Op) String() string { return o.Info().Name }

// OpByName returns the op of a name in IR text.
func OpByName(name string) (Op, bool) {
	for o := OpInput; o < numOps; o++ {
		if table[o].Name == name {
			return o, true
		}
	}
	return OpInvalid, false
}

// Ops returns every op, in the table's order.
func Ops() []Op {
	ops := make([]Op, 0, numOps-1)
	for o := OpInput; o < numOps; o++ {
		ops = append(ops, o)
	}
	return ops
}

// activation is the row of an activation without attributes.
func activation(name, doc string) Info {
	return Info{Name: name, Doc: doc, MinArgs: 1, MaxArgs: 1, Shape: same, Activation: true}
}

func same(_ Attr, in []shape.Shape) (shape.Shape, error) { return shape.Same(in[0]) }

// fresh returns a new attribute struct with the defaults of its tags.
func fresh[T any, P interface {
	*T
	Attr
}]() Attr {
	a := P(new(T))
	setDefaults(a)
	return a
}

// rule adapts a shape rule to the attribute type that it reads.
func rule[A Attr](f func(a A, in []shape.Shape) (shape.Shape, error)) func(Attr, []shape.Shape) (shape.Shape, error) {
	return func(a Attr, in []shape.Shape) (shape.Shape, error) { return f(a.(A), in) }
}

func (p *Pool) window() shape.Window {
	return shape.Window{Kernel: p.Kernel, Stride: p.Stride, Dilation: p.Dilation, Pad: p.Pad}
}
