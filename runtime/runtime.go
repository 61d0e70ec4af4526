// Package runtime runs what cnnc emits: sessions, packed weights and the
// kernels behind them. Emitted code imports nothing else of this module, under
// the name cnnrt.
//
// Inside, every feature map is NHWC: one row of channels a pixel, pixels a pitch
// apart, so that concatenation, channel slices and residuals are offsets into
// one buffer. Each kernel exists as AVX-512 and AVX2 assembly and as plain Go;
// which runs is decided once, from the processor (CNNC_CPU=generic, avx2,
// avx512 or amx forces one), when weights are packed.
package runtime

// Emitted code states the version of this interface it was written for, and the
// compiler checks it: a negative constant does not convert to an unsigned type.
//
// If that check fails to compile in your package, run go generate again with a
// cnnc of the version of this module that your go.mod names.
const (
	// GenVersion is what this version of cnnc emits for.
	GenVersion = 1
	// MinVersion is the oldest emitted code that still runs.
	MinVersion = 1
)

// EnforceVersion is used in emitted code only, as
//
//	const (
//		_ = cnnrt.EnforceVersion(cnnrt.GenVersion - 1)
//		_ = cnnrt.EnforceVersion(1 - cnnrt.MinVersion)
//	)
type EnforceVersion uint

// Shape is a feature map's channels, height and width. A vector of n features
// is {n, 1, 1}.
type Shape struct{ C, H, W int }

// Pixels returns H*W.
func (s Shape) Pixels() int { return s.H * s.W }

// Len returns the number of elements of one image.
func (s Shape) Len() int { return s.C * s.H * s.W }

// Size is a height and a width.
type Size struct{ H, W int }

// Padding is what is added on each side, in pixels.
type Padding struct{ Top, Left, Bottom, Right int }

// View places a tensor in a session's arena. Floats at channels [C, Pitch) of a
// pixel belong to somebody else, or to nobody; kernels neither read nor write them.
type View struct {
	Offset  int // of the buffer, in floats, for a batch of one; a batch of n scales it by n
	Channel int // first channel within each pixel
	Pitch   int // floats from one pixel to the next
}

// ActKind is an activation function.
type ActKind uint8

const (
	None ActKind = iota
	ReLU
	ReLU6
	LeakyReLU // slope Act.Slope
	Sigmoid
	Tanh
	SiLU
	HardSigmoid
	HardSwish
	GELU     // exact, by erf
	GELUTanh // the tanh approximation
)

// Act is an activation and its parameter.
type Act struct {
	Kind  ActKind
	Slope float32
}
