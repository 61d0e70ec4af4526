package onnx

import (
	"math"

	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/shape"
)

// exporters has a row for every operation that is no activation. A row adds the
// nodes that compute the layer; the last one is renamed to it. A test walks
// ir.Ops for gaps.
var exporters = map[ir.Op]func(*layer){
	ir.OpConv:         conv,
	ir.OpLinear:       linear,
	ir.OpBatchNorm:    norm,
	ir.OpScale:        norm,
	ir.OpAffine:       norm,
	ir.OpLayerNorm:    layerNorm,
	ir.OpLRN:          lrn,
	ir.OpGRN:          grn,
	ir.OpMaxPool:      maxPool,
	ir.OpAvgPool:      avgPool,
	ir.OpAdaptivePool: adaptivePool,
	ir.OpGlobalPool:   globalPool,
	ir.OpSoftmax:      func(l *layer) { l.node("Softmax", attrs{integer("axis", 1)}, l.args...) },
	ir.OpAdd:          add,
	ir.OpMul:          func(l *layer) { l.node("Mul", nil, l.args...) },
	ir.OpConcat:       func(l *layer) { l.node("Concat", attrs{integer("axis", 1)}, l.args...) },
	ir.OpSlice:        slice,
	ir.OpPick:         pick,
	ir.OpShuffle:      shuffle,
	ir.OpFlatten:      func(l *layer) { l.node("Flatten", attrs{integer("axis", 1)}, l.args...) },
	ir.OpPad:          pad,
	ir.OpUpsample:     upsample,
	ir.OpDropout:      func(l *layer) { l.node("Identity", nil, l.args...) },
	ir.OpDropPath:     func(l *layer) { l.node("Identity", nil, l.args...) },
}

func conv(l *layer) {
	a := l.v.Attr.(*ir.Conv)
	x := l.args[0]
	if a.InNorm != nil {
		x = l.norm(x, *a.InNorm, l.in[0])
	}
	x = l.activate(x, a.InAct)
	if a.Pools() {
		x = l.node("AveragePool", window(a.InPool, a.InPool, shape.Padding{}), x)
	}
	if a.Gate {
		x = l.node("Mul", nil, x, l.args[1])
	}
	var y string
	if len(a.Parts) > 0 {
		y = l.parts(x, a)
	} else {
		y = l.conv(x, a, product{
			key: a.Weights, bias: a.Bias, before: a.Before, after: a.After,
			dims: []int{a.Out, l.in[0].Channels() / a.Groups, a.Kernel.H, a.Kernel.W}, groups: a.Groups,
		})
	}
	l.epilogue(y, a.Residual, a.Act)
}

// conv adds the node of a convolution with a's window.
func (l *layer) conv(x string, a *ir.Conv, p product) string {
	return l.node("Conv", append(window(a.Kernel, a.Stride, a.Pad),
		ints("dilations", a.Dilation.H, a.Dilation.W),
		integer("group", a.Groups),
	), append([]string{x}, l.parameters(p)...)...)
}

// parts adds the convolutions that a was made of, one by one.
func (l *layer) parts(x string, a *ir.Conv) string {
	for _, n := range a.Before {
		x = l.norm(x, n, l.in[0])
	}
	var results []string
	for _, part := range a.Parts {
		seen := x
		if part.Channels != nil {
			channels := l.integers(l.v.Name+"/channels", part.Channels...)
			seen = l.node("Gather", attrs{integer("axis", 1)}, x, channels)
		}
		results = append(results, l.conv(seen, a, product{
			key: part.Weights, bias: a.Bias, after: part.After,
			dims: []int{part.Out, part.Inputs(l.in[0].Channels()), a.Kernel.H, a.Kernel.W}, groups: 1,
		}))
	}
	y := l.node("Concat", attrs{integer("axis", 1)}, results...)
	for _, n := range a.After {
		y = l.norm(y, n, l.v.Shape)
	}
	return y
}

func linear(l *layer) {
	a := l.v.Attr.(*ir.Linear)
	x := l.args[0]
	if a.Flatten {
		x = l.node("Flatten", attrs{integer("axis", 1)}, x)
	}
	p := product{
		key: a.Weights, bias: a.Bias, before: a.Before, after: a.After,
		dims: []int{a.Out, l.in[0].Elems()}, groups: 1,
	}
	y := l.node("Gemm", attrs{integer("transB", 1)}, append([]string{x}, l.parameters(p)...)...)
	l.epilogue(y, a.Residual, a.Act)
}

// epilogue adds what passes moved behind a layer that computed y.
func (l *layer) epilogue(y string, residual bool, act ir.Act) {
	if residual {
		y = l.node("Add", nil, y, l.args[len(l.args)-1])
	}
	l.activate(y, act)
}

// norm is a batch normalisation, a learned scale or an affine step.
func norm(l *layer) {
	n, _ := ir.NormOf(l.v)
	y := l.norm(l.args[0], n, l.in[0])
	if a, ok := l.v.Attr.(*ir.BatchNorm); ok {
		l.activate(y, a.Act)
	}
}

// norm applies n to x, a tensor of shape s.
func (l *layer) norm(x string, n ir.Norm, s shape.Shape) string {
	c := s.Channels()
	perChannel := []int{c, 1, 1} // against [N c h w]
	if !s.IsMap() {
		perChannel = []int{c}
	}
	switch n.Op {
	case ir.OpBatchNorm:
		weight, bias := l.affine(n.Weights, n.Affine, c)
		mean, variance := l.tensor(n.Weights+".running_mean", c), l.tensor(n.Weights+".running_var", c)
		return l.node("BatchNormalization", attrs{float("epsilon", n.Eps)}, x, weight, bias, mean, variance)
	case ir.OpScale:
		return l.node("Mul", nil, x, l.tensor(n.Weights, perChannel...))
	default: // ir.OpAffine
		y := l.node("Mul", nil, x, l.constants("scale", n.Scale, perChannel))
		return l.node("Add", nil, y, l.constants("shift", n.Shift, perChannel))
	}
}

// affine returns a normalisation's weight and bias, ones and zeros if it has none.
func (l *layer) affine(key string, has bool, c int) (weight, bias string) {
	if has {
		return l.tensor(key+".weight", c), l.tensor(key+".bias", c)
	}
	ones := make([]float32, c)
	for i := range ones {
		ones[i] = 1
	}
	return l.floats(l.v.Name+"/ones", []int{c}, ones), l.floats(l.v.Name+"/zeros", []int{c}, make([]float32, c))
}

// constants returns an initializer with numbers of the spec, one a channel or one
// for all.
func (l *layer) constants(what string, values []float64, perChannel []int) string {
	if len(values) == 1 {
		return l.scalar(values[0])
	}
	data := make([]float32, len(values))
	for i, x := range values {
		data[i] = float32(x)
	}
	return l.floats(l.v.Name+"/"+what, perChannel, data)
}

// layerNorm normalises over the last axis, as ONNX's node does; of a map, the
// channels have to be brought there.
func layerNorm(l *layer) {
	a := l.v.Attr.(*ir.LayerNorm)
	x := l.args[0]
	isMap := l.v.Shape.IsMap()
	if isMap {
		x = l.node("Transpose", attrs{ints("perm", 0, 2, 3, 1)}, x)
	}
	weight, bias := l.affine(a.Weights, a.Affine, l.in[0].Channels())
	y := l.node("LayerNormalization", attrs{integer("axis", -1), float("epsilon", a.Eps)}, x, weight, bias)
	if isMap {
		l.node("Transpose", attrs{ints("perm", 0, 3, 1, 2)}, y)
	}
}

func lrn(l *layer) {
	a := l.v.Attr.(*ir.LRN)
	x := l.args[0]
	if a.Size%2 == 1 {
		l.node("LRN", attrs{integer("size", a.Size), float("alpha", a.Alpha), float("beta", a.Beta), float("bias", a.K)}, x)
		return
	}
	// Of an even number of channels, ONNX takes one more above, PyTorch one more
	// below. As PyTorch does it: a mean over channels that lie along the height.
	c, h, w := l.v.Shape[0], l.v.Shape[1], l.v.Shape[2]
	squares := l.reshape("columns", l.node("Mul", nil, x, x), 0, 1, c, h*w)
	mean := l.node("AveragePool", append(
		window(shape.Size{H: a.Size, W: 1}, shape.Square(1), shape.Padding{Top: a.Size / 2, Bottom: (a.Size - 1) / 2}),
		integer("count_include_pad", 1),
	), squares)
	mean = l.reshape("map", mean, 0, c, h, w)
	base := l.node("Add", nil, l.node("Mul", nil, mean, l.scalar(a.Alpha)), l.scalar(a.K))
	l.node("Div", nil, x, l.node("Pow", nil, base, l.scalar(a.Beta)))
}

func grn(l *layer) {
	a := l.v.Attr.(*ir.GRN)
	x, c := l.args[0], l.in[0].Channels()
	norm := l.node("ReduceL2", attrs{ints("axes", 2, 3), integer("keepdims", 1)}, x)
	mean := l.node("ReduceMean", attrs{ints("axes", 1), integer("keepdims", 1)}, norm)
	n := l.node("Div", nil, norm, l.node("Add", nil, mean, l.scalar(a.Eps)))
	y := l.node("Mul", nil, l.node("Mul", nil, x, n), l.tensor(a.Weights+".weight", c, 1, 1))
	y = l.node("Add", nil, y, l.tensor(a.Weights+".bias", c, 1, 1))
	l.node("Add", nil, x, y)
}

// reshape gives x another shape, in which 0 stands for what x has at that place.
func (l *layer) reshape(what, x string, dims ...int) string {
	return l.node("Reshape", nil, x, l.integers(l.v.Name+"/"+what, dims...))
}

func add(l *layer) {
	op := "Add"
	if len(l.args) > 2 {
		op = "Sum"
	}
	l.activate(l.node(op, nil, l.args...), l.v.Attr.(*ir.Sum).Act)
}

func slice(l *layer) {
	a := l.v.Attr.(*ir.Slice)
	from, to, axis := l.integers(l.v.Name+"/from", a.From), l.integers(l.v.Name+"/to", a.To), l.integers(l.v.Name+"/axis", 1)
	l.node("Slice", nil, l.args[0], from, to, axis)
}

func pick(l *layer) {
	channels := l.integers(l.v.Name+"/channels", l.v.Attr.(*ir.Pick).Channels...)
	l.node("Gather", attrs{integer("axis", 1)}, l.args[0], channels)
}

func shuffle(l *layer) {
	groups := l.v.Attr.(*ir.Shuffle).Groups
	c, h, w := l.v.Shape[0], l.v.Shape[1], l.v.Shape[2]
	x := l.reshape("groups", l.args[0], 0, groups, c/groups, h, w)
	x = l.node("Transpose", attrs{ints("perm", 0, 2, 1, 3, 4)}, x)
	l.reshape("channels", x, 0, c, h, w)
}

func pad(l *layer) {
	l.pad(l.args[0], l.v.Attr.(*ir.Pad).Pad, 0)
}

// upsample relies on Resize being by nearest neighbours unless told otherwise. Its second
// input, for another mode, is left out.
func upsample(l *layer) {
	a := l.v.Attr.(*ir.Upsample)
	scales := l.floats(l.v.Name+"/scales", []int{4}, []float32{1, 1, float32(a.Scale.H), float32(a.Scale.W)})
	l.node("Resize", nil, l.args[0], "", scales)
}

// pad puts a value around the map x.
func (l *layer) pad(x string, p shape.Padding, value float64) string {
	pads := l.integers(l.v.Name+"/pads", 0, 0, p.Top, p.Left, 0, 0, p.Bottom, p.Right)
	if value == 0 {
		return l.node("Pad", nil, x, pads)
	}
	return l.node("Pad", nil, x, pads, l.scalar(value))
}

// activation is an activation as a layer of its own.
func activation(l *layer) {
	act, _ := ir.ActOf(l.v)
	l.activate(l.args[0], act)
}

// activate applies an activation to x, if a is one.
func (l *layer) activate(x string, a ir.Act) string {
	switch a.Op {
	case ir.OpInvalid:
		return x
	case ir.OpLeakyReLU:
		return l.node("LeakyRelu", attrs{float("alpha", a.Slope)}, x)
	}
	f := activations[a.Op]
	return f(l, x)
}

// activations has a row for every activation without attributes. Those that
// opset 17 has no node for are put together as PyTorch's exporter does it:
// readers know these patterns, and make one kernel of them.
var activations = map[ir.Op]func(l *layer, x string) string{
	ir.OpReLU:    func(l *layer, x string) string { return l.node("Relu", nil, x) },
	ir.OpReLU6:   func(l *layer, x string) string { return l.node("Clip", nil, x, l.scalar(0), l.scalar(6)) },
	ir.OpSigmoid: func(l *layer, x string) string { return l.node("Sigmoid", nil, x) },
	ir.OpTanh:    func(l *layer, x string) string { return l.node("Tanh", nil, x) },
	ir.OpSiLU:    func(l *layer, x string) string { return l.node("Mul", nil, x, l.node("Sigmoid", nil, x)) },
	ir.OpHardSigmoid: func(l *layer, x string) string {
		return l.node("HardSigmoid", attrs{float("alpha", 1.0/6), float("beta", 0.5)}, x)
	},
	ir.OpHardSwish: func(l *layer, x string) string { return l.node("HardSwish", nil, x) },
	ir.OpGELU:      gelu,
	ir.OpGELUTanh:  geluTanh,
}

func gelu(l *layer, x string) string {
	erf := l.node("Erf", nil, l.node("Div", nil, x, l.scalar(math.Sqrt2)))
	return l.node("Mul", nil, l.node("Mul", nil, x, l.node("Add", nil, erf, l.scalar(1))), l.scalar(0.5))
}

func geluTanh(l *layer, x string) string {
	cube := l.node("Mul", nil, l.node("Pow", nil, x, l.scalar(3)), l.scalar(0.044715))
	inner := l.node("Mul", nil, l.node("Add", nil, x, cube), l.scalar(math.Sqrt(2/math.Pi)))
	tanh := l.node("Add", nil, l.node("Tanh", nil, inner), l.scalar(1))
	return l.node("Mul", nil, l.node("Mul", nil, x, l.scalar(0.5)), tanh)
}
