//go:build !purego

package transpose

import "unsafe"

// args is what the assembly reads: stride and pitch in bytes. The generator has the same
// list of fields.
type args struct {
	dst    unsafe.Pointer
	pitch  int
	order  unsafe.Pointer
	n      int // of order, at least as many as lanes
	src    unsafe.Pointer
	stride int
	scale  unsafe.Pointer
}

// block does as many rows as a vector has lanes.
func (c *Call) block(lanes, row int) {
	a := args{
		dst:    unsafe.Pointer(&c.Dst[row]),
		pitch:  4 * c.Pitch,
		order:  unsafe.Pointer(unsafe.SliceData(c.Order)),
		n:      len(c.Order),
		src:    unsafe.Pointer(&c.Src[row*c.Stride]),
		stride: 4 * c.Stride,
	}
	if c.Scale != nil {
		a.scale = unsafe.Pointer(&c.Scale[row])
	}
	if lanes == 16 {
		transposeAVX512(&a)
	} else {
		transposeAVX2(&a)
	}
}
