// Package pool has the pooling kernels: maximum, sum and sum of squares over windows of
// pixels, a vector of channels at a time.
package pool

//go:generate go -C ../_asm run ./pool -out ../pool/kernel_amd64.s -stubs ../pool/kernel_amd64.go -pkg pool

// Window is the pixels that one output pixel covers, and how outputs follow one another.
// Distances are in floats.
type Window struct {
	Rows, Cols         int // pixels down and across, all inside the input
	RowPitch, ColPitch int // from one covered pixel to the next, down and across
	DstPitch, SrcPitch int // from one output, and one window, to the next
	Count              int // outputs
	Channels           int
}

// check panics unless dst and src hold what w covers. It returns whether there is
// anything to do.
func (w *Window) check(dst, src []float32) bool {
	if w.Count < 1 || w.Channels < 1 {
		return false
	}
	_ = dst[(w.Count-1)*w.DstPitch+w.Channels-1]
	if w.Rows > 0 && w.Cols > 0 {
		_ = src[(w.Count-1)*w.SrcPitch+(w.Rows-1)*w.RowPitch+(w.Cols-1)*w.ColPitch+w.Channels-1]
	}
	return true
}

// Max is
//
//	dst[p*DstPitch+c] = max over y < Rows, x < Cols of src[p*SrcPitch + y*RowPitch + x*ColPitch + c]
//
// for p < Count, c < Channels; NaN if there is one among them, -Inf for an empty window.
func Max(dst, src []float32, w *Window) {
	if w.check(dst, src) {
		maximum(dst, src, w)
	}
}

// Sum is like Max, with factor times the sum. Rows are summed one by one, then their sums
// are, which keeps the rounding errors of large windows small.
func Sum(dst, src []float32, w *Window, factor float32) {
	if w.check(dst, src) {
		sum(dst, src, w, factor)
	}
}

// Squares is like Sum, of the squares.
func Squares(dst, src []float32, w *Window, factor float32) {
	if w.check(dst, src) {
		squares(dst, src, w, factor)
	}
}

// Affine is what happens to pixels before they are summed: min(max(x*Scale + Shift, Lo), Hi),
// with one rounding of the product and sum where the processor fuses them. NaN stays NaN.
type Affine struct {
	Scale, Shift []float32 // a channel
	Lo, Hi       float32   // infinities for none
}

// SumAffine is Sum of pixels to which f has been applied.
func SumAffine(dst, src []float32, w *Window, f *Affine, factor float32) {
	if w.check(dst, src) {
		_, _ = f.Scale[w.Channels-1], f.Shift[w.Channels-1]
		sumAffine(dst, src, w, f, factor)
	}
}
