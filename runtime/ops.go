package runtime

// The descriptions of kernel calls: what plan decides, codegen writes as Go
// literals, and exec passes directly. They hold no weights. Conv, Linear, Affine,
// LayerNorm, GRN and Pick are packed by a Loader first; the others run as they stand.

// Algo is how a convolution is computed.
type Algo uint8

const (
	// Direct is an implicit GEMM over tables of row offsets: pointwise,
	// strided, dilated and grouped convolutions, any padding.
	Direct Algo = iota
	// RowTaps is Direct for few input channels: a whole kernel row, kw*cin
	// contiguous floats, is one tap, read from zero-padded rows in scratch.
	RowTaps
	// Grouped is for small groups: several groups share one vector.
	Grouped
	// Depthwise is for one input and one output channel a group.
	Depthwise
	// Winograd4x4 is F(4x4,3x3), for 3x3 kernels with stride and dilation 1.
	Winograd4x4
	// Winograd2x2 is F(2x2,3x3), for the same: more products, of fewer weights.
	Winograd2x2
)

// IsWinograd reports whether an algorithm is one of Winograd's.
func (a Algo) IsWinograd() bool { return a == Winograd4x4 || a == Winograd2x2 }

// Conv is a cross-correlation with everything fused into it:
// dst = act(conv(src) + bias [+ residual]), where a pointwise one (1x1 of stride 1,
// without padding, of one group) may first change src: mean(inAct(inNorm(src))) [* gate],
// where the mean is over windows of InPool, side by side. A depthwise one of one tap may
// take the mean alone.
type Conv struct {
	In, Out  Shape
	Kernel   Size
	Stride   Size
	Dilation Size
	Pad      Padding
	Groups   int
	Bias     bool // the checkpoint has a bias
	Matrix   bool // the checkpoint has the weights as [Out.C, In.C]; for 1x1 of one group
	InNorm   bool // pointwise: the first norm that is Before acts on src as it is read
	InAct    Act  // pointwise; with InPool, at most a clamp
	InPool   Size // pointwise, or depthwise 1x1; zero for none: Out is smaller than In by so much, rounded down
	Gate     bool // pointwise: channels of src are multiplied by those of another map, [In.C 1 1]
	Act      Act
	Algo     Algo
}

// Linear is a matrix product: dst = act(W src + bias [+ residual]). A feature
// map is read in NCHW order, as PyTorch's flatten gives it.
type Linear struct {
	In   Shape
	Out  int
	Bias bool
	Act  Act
}

// Affine multiplies and shifts each channel: batch normalisation that could not
// be folded, a learned scale, constants of the spec. dst = act(src*scale + shift).
type Affine struct {
	Shape Shape
	Act   Act
}

// LayerNorm normalises each pixel over its channels.
type LayerNorm struct {
	Shape  Shape
	Eps    float64
	Affine bool // the checkpoint has weight and bias
}

// GRN is global response normalisation, of ConvNeXt v2: with n a channel's Euclidean
// norm over the map, divided by the mean of all channels' norms plus Eps,
// dst = src + weight*src*n + bias.
type GRN struct {
	Shape Shape
	Eps   float64
}

// MaxPool is max pooling; windows are clipped to the input.
type MaxPool struct {
	In, Out  Shape
	Kernel   Size
	Stride   Size
	Dilation Size
	Pad      Padding
}

// AvgPool is average pooling; windows are clipped to the input.
type AvgPool struct {
	In, Out  Shape
	Kernel   Size
	Stride   Size
	Pad      Padding
	CountPad bool // divide by the window inside the padded input, as PyTorch's count_include_pad
}

// AdaptivePool pools to Out with PyTorch's adaptive windows; Out 1x1 is global
// pooling.
type AdaptivePool struct {
	In, Out Shape
	Max     bool
}

// Activation applies Act element by element.
type Activation struct {
	Shape Shape
	Act   Act
}

// Add is the element-wise sum of two tensors: dst = act(a + b).
type Add struct {
	Shape Shape
	Act   Act
}

// Mul is the element-wise product of two tensors; with Broadcast the second is
// one factor a channel, [c 1 1].
type Mul struct {
	Shape     Shape
	Broadcast bool
}

// Copy moves a tensor into its place in another buffer.
type Copy struct {
	Shape Shape
}

// Pick gathers channels: dst channel i is src channel Channels[i]. Channel
// shuffle is a Pick.
type Pick struct {
	In       Shape
	Channels []int
}

// Pad copies a map into the middle of zeros.
type Pad struct {
	In  Shape
	Pad Padding
}

// Upsample repeats each pixel Scale.H times down and Scale.W times across.
type Upsample struct {
	In    Shape
	Scale Size
}

// Flatten turns a map into a vector in NCHW order.
type Flatten struct {
	In Shape
}

// LRN is local response normalisation across channels in PyTorch's form:
// x / (K + Alpha/Size * sum of squares over Size channels)^Beta.
type LRN struct {
	Shape          Shape
	Size           int
	Alpha, Beta, K float64
}

// Softmax normalises each pixel over its channels.
type Softmax struct {
	Shape Shape
}

// NormKind is a kind of Norm.
type NormKind uint8

const (
	// BatchNorm takes key.weight, .bias (if Affine), .running_mean, .running_var.
	BatchNorm NormKind = iota
	// LearnedScale takes one factor a channel from the key itself.
	LearnedScale
	// Constant takes Scale and Shift from the spec.
	Constant
)

// Norm is a per-channel affine step that is folded into a layer's weights, or
// that makes up an Affine.
type Norm struct {
	Kind         NormKind
	Key          string
	Eps          float64
	Affine       bool      // BatchNorm: weight and bias exist
	Before       bool      // acts on the layer's input; otherwise on its output
	Dims         []int     // LearnedScale: its shape in the checkpoint, [c] or [c 1 1]
	Scale, Shift []float64 // Constant: a channel, or one for all
}
