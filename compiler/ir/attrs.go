package ir

import "github.com/cnnc-dev/cnnc/compiler/shape"

// Attr is an op's attribute struct, always a pointer to one of the types below.
// The text form prints the fields that differ from their defaults under the
// names of their tags; fields.go reads them by reflection.
type Attr interface{ attr() }

// Act is an activation in an epilogue. The zero Act is none.
type Act struct {
	Op    Op      // OpInvalid for none, else one of the activation ops
	Slope float64 // leaky ReLU only
}

// Norm is a per-channel affine step taken from the checkpoint that passes have
// folded into a convolution's or linear layer's weights. Op is OpBatchNorm
// (keys Weights.weight, .bias, .running_mean, .running_var), OpScale (one
// factor a channel, the key itself) or OpAffine (constants). It carries what
// the operation's own attribute struct does; see NormOf and Norm.Attr.
type Norm struct {
	Op      Op
	Weights string
	Eps     float64   // OpBatchNorm
	Affine  bool      // OpBatchNorm: has weight and bias
	Dims    []int     // OpScale: the factor's shape in the checkpoint
	Scale   []float64 // OpAffine
	Shift   []float64 // OpAffine
}

// Conv is a cross-correlation, PyTorch's Conv2d. Weights: [Out, in/Groups, kh, kw].
// The whole computation, passes' additions included, is: InNorm, InAct, InPool, the
// gate, zero padding, Before, the convolution, After, the residual, Act.
type Conv struct {
	Out      int           `ir:"out"`
	Kernel   shape.Size    `ir:"k"`
	Stride   shape.Size    `ir:"s,default=1"`
	Dilation shape.Size    `ir:"d,default=1"`
	Pad      shape.Padding `ir:"p,default=0"`
	Groups   int           `ir:"groups,default=1"`
	Bias     bool          `ir:"bias,default=true"`
	Weights  string        `ir:"weights"` // key prefix: .weight and .bias follow; "" if there are parts
	// Matrix: the checkpoint has the weights as a linear layer's, [Out, in], which
	// works on each pixel (ConvNeXt). The kernel is 1x1 then, of one group.
	Matrix bool `ir:"matrix"`

	// Set by passes.
	Parts    []ConvPart `ir:"parts"`  // the convolutions that this one was made of, if it was
	Before   []Norm     `ir:"before"` // applied to the input, folded into weights (no padding then)
	After    []Norm     `ir:"after"`  // applied to the output, folded into weights, in order
	InNorm   *Norm      `ir:"innorm"` // applied to the input as it is read, with InAct (DenseNet)
	InAct    Act        `ir:"inact"`
	InPool   shape.Size `ir:"inpool"`   // the mean over such windows of the input, side by side, is what is read
	Gate     bool       `ir:"gate"`     // the second argument, [in 1 1], multiplies the input's channels
	Residual bool       `ir:"residual"` // the last argument is added before Act
	Act      Act        `ir:"act"`
}

// ConvPart is one of several convolutions of the same tensor that were made one,
// whose outputs are theirs in a row. Where a part does not look, its weights are
// zeros. Kernel, Bias and all else that a part does not have is the whole's.
type ConvPart struct {
	Weights  string `ir:"weights"` // key prefix of weights [Out, Inputs, kh, kw]
	Out      int    `ir:"out"`
	Channels []int  `ir:"channels"` // of the whole's input that the part reads, in its order, each once; nil for all
	After    []Norm `ir:"after"`
}

// Inputs returns how many channels of the whole's input, which has in, the part reads.
func (p ConvPart) Inputs(in int) int {
	if p.Channels == nil {
		return in
	}
	return len(p.Channels)
}

// Pointwise reports whether each output pixel is made of one input pixel, and of all
// its channels: 1x1 of stride 1, without padding, of one group.
func (c *Conv) Pointwise() bool {
	one := shape.Square(1)
	return c.Kernel == one && c.Stride == one && c.Pad == shape.Padding{} && c.Groups == 1
}

// ReadsPlain reports whether the convolution reads its input as it is, but for what
// is folded into its weights.
func (c *Conv) ReadsPlain() bool {
	return c.InNorm == nil && c.InAct == Act{} && !c.Pools() && !c.Gate
}

// Pools reports whether the convolution reads means of its input's pixels.
func (c *Conv) Pools() bool { return c.InPool != shape.Size{} }

// CanPool reports whether it could, of so many channels: a pointwise convolution can, whose
// input is clamped first at most; and a depthwise one of one tap, which does nothing else
// to its input.
func (c *Conv) CanPool(channels int) bool {
	if c.Pointwise() {
		return c.InAct == Act{} || c.InAct.Op == OpReLU || c.InAct.Op == OpReLU6
	}
	one := *c
	one.Groups, one.InPool = 1, shape.Size{}
	return c.Groups == channels && c.Groups == c.Out && one.Pointwise() && one.ReadsPlain()
}

// Linear is PyTorch's Linear on a vector. Weights: [Out, in]. The whole
// computation is: flatten, Before (over the vector's features), the product,
// After, the residual, Act.
type Linear struct {
	Out     int    `ir:"out"`
	Bias    bool   `ir:"bias,default=true"`
	Weights string `ir:"weights"`

	// Set by passes.
	Flatten  bool   `ir:"flatten"` // the argument is a map, read in NCHW order as PyTorch's flatten does
	Before   []Norm `ir:"before"`
	After    []Norm `ir:"after"`
	Residual bool   `ir:"residual"`
	Act      Act    `ir:"act"`
}

// BatchNorm is inference-time batch normalisation over channels.
type BatchNorm struct {
	Eps     float64 `ir:"eps,default=1e-05"`
	Affine  bool    `ir:"affine,default=true"` // has weight and bias
	Weights string  `ir:"weights"`
	Act     Act     `ir:"act"` // set by passes
}

// LayerNorm normalises each pixel over its channels (channels-last
// LayerNorm, as ConvNeXt has it), or a vector over its features.
type LayerNorm struct {
	Eps     float64 `ir:"eps,default=1e-05"`
	Affine  bool    `ir:"affine,default=true"`
	Weights string  `ir:"weights"`
}

// LRN is local response normalisation across channels in PyTorch's form:
// x / (K + Alpha/Size * sum of squares over Size channels)^Beta.
type LRN struct {
	Size  int     `ir:"size"`
	Alpha float64 `ir:"alpha,default=0.0001"`
	Beta  float64 `ir:"beta,default=0.75"`
	K     float64 `ir:"bias,default=1"`
}

// GRN is the global response normalisation of ConvNeXt v2. Each channel of a map is
// multiplied by its Euclidean norm over the map's pixels, relative to the mean of all
// channels' norms; the product takes a learned factor and shift a channel, and is
// added to the map:
//
//	n[c] = norm[c] / (mean of norm + Eps),  x + weight[c] * x * n[c] + bias[c]
type GRN struct {
	Eps     float64 `ir:"eps,default=1e-06"`
	Weights string  `ir:"weights"`
}

// Pool is max or average pooling, PyTorch's semantics.
type Pool struct {
	Kernel   shape.Size    `ir:"k"`
	Stride   shape.Size    `ir:"s,default=1"`
	Dilation shape.Size    `ir:"d,default=1"` // max only
	Pad      shape.Padding `ir:"p,default=0"`
	Ceil     bool          `ir:"ceil"`
	// CountPad is average pooling's count_include_pad.
	CountPad bool `ir:"countpad,default=true"`
}

// AdaptivePool pools to a fixed size with PyTorch's adaptive windows. Average only
// unless Max.
type AdaptivePool struct {
	Out shape.Size `ir:"out"`
	Max bool       `ir:"max"`
}

// GlobalPool pools a map to [c 1 1].
type GlobalPool struct {
	Max bool `ir:"max"`
}

// Slope is leaky ReLU's.
type Slope struct {
	Slope float64 `ir:"slope,default=0.01"`
}

// Sum is the element-wise sum of the arguments; Act is set by passes.
type Sum struct {
	Act Act `ir:"act"`
}

// Slice takes channels [From, To).
type Slice struct {
	From int `ir:"from"`
	To   int `ir:"to"`
}

// Pick takes the listed channels in the listed order.
type Pick struct {
	Channels []int `ir:"channels"`
}

// Shuffle is ShuffleNet's channel shuffle: [g, c/g] transposed to [c/g, g].
type Shuffle struct {
	Groups int `ir:"groups"`
}

// Pad adds zeros around a map.
type Pad struct {
	Pad shape.Padding `ir:"p"`
}

// Upsample repeats each pixel Scale.H times down and Scale.W times across.
type Upsample struct {
	Scale shape.Size `ir:"scale"`
}

// Dropout does nothing at inference; kept so that a spec can state it.
type Dropout struct {
	P float64 `ir:"p,default=0.5"`
}

// Affine multiplies and shifts each channel by constants of the spec.
type Affine struct {
	Scale []float64 `ir:"scale"` // a channel, or one for all
	Shift []float64 `ir:"shift"`
}

// Scale multiplies each channel by a learned factor (ConvNeXt's layer scale).
// Weights is the whole key; Dims its shape in the checkpoint, [c] or [c,1,1].
type Scale struct {
	Weights string `ir:"weights"`
	Dims    []int  `ir:"dims"`
}

func (*Conv) attr()         {}
func (*Linear) attr()       {}
func (*BatchNorm) attr()    {}
func (*LayerNorm) attr()    {}
func (*LRN) attr()          {}
func (*GRN) attr()          {}
func (*Pool) attr()         {}
func (*AdaptivePool) attr() {}
func (*GlobalPool) attr()   {}
func (*Slope) attr()        {}
func (*Sum) attr()          {}
func (*Slice) attr()        {}
func (*Pick) attr()         {}
func (*Shuffle) attr()      {}
func (*Pad) attr()          {}
func (*Upsample) attr()     {}
func (*Dropout) attr()      {}
func (*Affine) attr()       {}
func (*Scale) attr()        {}
