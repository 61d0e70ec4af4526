package ir

import "github.com/cnnc-dev/cnnc/compiler/shape"

// Op is a primitive operation. Blocks of the papers are written in the
// language; these are all the compiler knows.
type Op uint8

const (
	OpInvalid Op = iota
	OpInput
	OpConv
	OpLinear
	OpBatchNorm
	OpLayerNorm
	OpLRN
	OpGRN // global response normalisation
	OpMaxPool
	OpAvgPool
	OpAdaptivePool
	OpGlobalPool
	OpReLU
	OpReLU6
	OpLeakyReLU
	OpSigmoid
	OpTanh
	OpSiLU
	OpHardSigmoid
	OpHardSwish
	OpGELU     // exact, by erf
	OpGELUTanh // the tanh approximation
	OpSoftmax  // over channels
	OpAdd      // any number of equal shapes
	OpMul      // two shapes, equal or one of them [c 1 1]
	OpConcat   // over channels
	OpSlice
	OpPick
	OpShuffle
	OpFlatten // map to vector, NCHW order
	OpPad
	OpUpsample // nearest neighbour
	OpDropout
	OpDropPath // stochastic depth
	OpAffine
	OpScale
	numOps
)

// Info is an op's row in the table: everything the rest of the compiler would
// otherwise switch over.
type Info struct {
	Name       string // in IR text
	Doc        string // one line
	MinArgs    int
	MaxArgs    int         // -1: any number
	NewAttr    func() Attr // a new struct with the defaults set; nil: no attributes
	Activation bool        // element-wise, one argument, may end an epilogue
	Identity   bool        // inference drops it
	// Shape infers the result from the arguments' shapes; nil for input, whose
	// shape is given. attr has NewAttr's type, and the arity holds.
	Shape func(attr Attr, args []shape.Shape) (shape.Shape, error)
	// Params lists checkpoint tensors; nil: none.
	Params func(v *Value, args []shape.Shape) []Param
	// MACs counts multiply-accumulates of one image, conv and linear only
	// (torchvision's convention); nil: 0.
	MACs func(v *Value, args []shape.Shape) int64
}
