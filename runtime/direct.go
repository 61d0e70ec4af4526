package runtime

import (
	"math/bits"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
)

// direct is the algorithm Direct: a tap of the product is a tap of the kernel, the
// input channels of the group deep.
type direct struct {
	product
	op *Conv
}

func newDirect(op *Conv, isa cpu.ISA) *direct {
	return &direct{
		product: newProduct(isa, op.Kernel.H*op.Kernel.W, op.In.C/op.Groups, op.Groups, op.Out.C/op.Groups, op.Act),
		op:      op,
	}
}

func (d *direct) scratch() int { return d.tableFloats() }

func (d *direct) zeros() int {
	if d.op.Pad == (Padding{}) {
		return 0
	}
	return d.op.In.C
}

func (d *direct) pack(f *filter) {
	d.product.pack(f, func(t, i int) int { return i*d.taps + t })
}

func (d *direct) run(s *Session) { d.multiply(s, d, s.images*d.op.Out.Pixels()) }

// span is a range of rows or columns of the input, both ends included.
type span struct{ from, to int }

// inside reports whether all of x, moved by so many, is inside a map of n.
func (x span) inside(by, n int) bool { return x.from+by >= 0 && x.to+by < n }

// firstTaps returns the rows and columns in which the first taps of n output pixels lie,
// which may be outside of the map.
func (d *direct) firstTaps(pixel, n int) (ys, xs span) {
	op, out := d.op, d.op.Out
	oy, ox, last := span{pixel / out.W, (pixel + n - 1) / out.W}, span{pixel % out.W, pixel%out.W + n - 1}, out.W-1
	if ox.to > last {
		ox = span{0, last}
	}
	if oy.to >= out.H { // pixels of the next image, too
		oy = span{0, out.H - 1}
	}
	ys = span{oy.from*op.Stride.H - op.Pad.Top, oy.to*op.Stride.H - op.Pad.Top}
	xs = span{ox.from*op.Stride.W - op.Pad.Left, ox.to*op.Stride.W - op.Pad.Left}
	return ys, xs
}

// even is the number of the table of all tiles whose rows are evenly spaced, and whose
// taps are inside of one map.
const even = 1

// locateEvenly fills that table in, counting from the first tap.
func (d *direct) locateEvenly(table []int, pitch, held int) (holds int) {
	op := d.op
	if held == even {
		return even
	}
	for ky := range op.Kernel.H {
		for kx := range op.Kernel.W {
			at := 4 * (ky*op.Dilation.H*op.In.W + kx*op.Dilation.W) * pitch
			for r := range d.kernel.Rows {
				table[r] = at
				at += 4 * op.Stride.W * pitch
			}
			table = table[d.kernel.Rows:]
		}
	}
	return even
}

// locate finds the taps in the arena: a pixel of the map, or the zeros. Where all taps
// are inside of one map, it counts from the first: then they lie as those of other tiles.
func (d *direct) locate(s *Session, table []int, row, n, held int) (a []float32, holds int) {
	op, in, out, src := d.op, d.op.In, d.op.Out, s.call.src
	if op.oneTap() {
		return s.arena[src.at+row*src.pitch:], d.locateEvenly(table, src.pitch, held)
	}
	image, pixel := row/out.Pixels(), row%out.Pixels()
	oy, ox := pixel/out.W, pixel%out.W
	ys, xs := d.firstTaps(pixel, n)
	first := (image*in.H+oy*op.Stride.H-op.Pad.Top)*in.W + ox*op.Stride.W - op.Pad.Left // pixel, or would be

	origin := 0 // of the table, in floats of the arena
	if pixel+n <= out.Pixels() && ys.inside(0, in.H) && xs.inside(0, in.W) &&
		ys.inside((op.Kernel.H-1)*op.Dilation.H, in.H) && xs.inside((op.Kernel.W-1)*op.Dilation.W, in.W) {
		origin = src.at + first*src.pitch
		if ox+n <= out.W {
			return s.arena[origin:], d.locateEvenly(table, src.pitch, held)
		}
		if holds = even + ox*(maxRows+1) + n; holds == held { // where it wraps, the rest follows
			return s.arena[origin:], holds
		}
	}

	var y, x, at [maxRows]int // of the first tap of each row
	for r, next := 0, first; r < n; r++ {
		y[r], x[r] = oy*op.Stride.H-op.Pad.Top, ox*op.Stride.W-op.Pad.Left
		at[r] = 4 * (src.at + next*src.pitch - origin)
		next += op.Stride.W
		if ox++; ox == out.W {
			ox = 0
			next += op.Stride.H*in.W - out.W*op.Stride.W
			if oy++; oy == out.H {
				oy = 0
				image++
				next = (image*in.H-op.Pad.Top)*in.W - op.Pad.Left
			}
		}
	}
	for ky := range op.Kernel.H {
		dy := ky * op.Dilation.H
		for kx := range op.Kernel.W {
			dx := kx * op.Dilation.W
			step := 4 * (dy*in.W + dx) * src.pitch
			tap := table[:n]
			table = table[d.kernel.Rows:]
			if ys.inside(dy, in.H) && xs.inside(dx, in.W) {
				for r, to := range at[:n] {
					tap[r] = to + step
				}
				continue
			}
			for r, to := range at[:n] {
				// All bits or none.
				outside := ((y[r] + dy) | (in.H - 1 - dy - y[r]) | (x[r] + dx) | (in.W - 1 - dx - x[r])) >> (bits.UintSize - 1)
				tap[r] = (to+step)&^outside | (4*s.zeros)&outside
			}
		}
	}
	return s.arena[origin:], holds
}

func (d *direct) step(s *Session) int {
	if d.op.oneTap() {
		return s.call.src.pitch
	}
	return 0
}

// maxRows is the most rows of a tile of any instruction set.
const maxRows = 14

func (d *direct) resized(op *Conv) algorithm {
	other := *d
	other.op = op
	return &other
}
