// Package ref is the numerical specification of every primitive: naive loops in
// float64, written to be read. The kernels are tested against it and the
// interpreter runs on it.
//
// Tensors are plain slices in NCHW order: element (n, c, y, x) of a batch of
// maps lies at ((n*C+c)*H+y)*W+x. A batch of vectors of f features is a batch
// of maps with f channels of one pixel. Functions write all of dst and nothing
// else; dst must not overlap a source, but may be one where each pixel follows
// from itself: in Apply, Add, Mul, Affine, BatchNorm, LayerNorm, GRN and Softmax.
// Slices shorter than their Dims say panic.
package ref

// Dims is the size of a batch of maps: images, channels, height, width.
type Dims struct{ N, C, H, W int }

// Len returns the number of elements.
func (d Dims) Len() int { return d.N * d.C * d.H * d.W }

// plane returns the pixels of channel c of image n.
func (d Dims) plane(data []float64, n, c int) []float64 {
	hw := d.H * d.W
	at := (n*d.C + c) * hw
	return data[at : at+hw]
}

// Window is how a kernel slides: output pixel (y, x) reads, for each tap
// (i, j), the input pixel (y*StrideH - Top + i*DilationH, x*StrideW - Left +
// j*DilationW). What lies outside of the input is padding. Bottom and Right
// matter only where padding is counted.
type Window struct {
	KH, KW                   int
	StrideH, StrideW         int
	DilationH, DilationW     int
	Top, Left, Bottom, Right int
}

// inside returns the range [lo, hi) of output positions, of out in all, whose
// input position at*stride + offset lies in [0, in).
func inside(offset, stride, in, out int) (lo, hi int) {
	for lo < out && lo*stride+offset < 0 {
		lo++
	}
	hi = out
	for hi > lo && (hi-1)*stride+offset >= in {
		hi--
	}
	return lo, hi
}
