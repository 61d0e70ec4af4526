package runtime

import "github.com/cnnc-dev/cnnc/runtime/internal/cpu"

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

// pointwise reports whether output pixel p is made of input pixel p alone.
func (d *direct) pointwise() bool {
	return d.taps == 1 && d.op.Stride == Size{1, 1} && d.op.Pad == Padding{}
}

// locate finds the taps in the arena: a pixel of the map, or the zeros.
func (d *direct) locate(s *Session, table []int, row, n int) []float32 {
	src := s.call.src
	if d.pointwise() {
		for r := range n {
			table[r] = 4 * r * src.pitch
		}
		return s.arena[src.at+row*src.pitch:]
	}
	op, out := d.op, d.op.Out
	var ys, xs [maxRows]int // of the first tap
	var at [maxRows]int     // and where it lies, or would lie
	image, pixel := row/out.Pixels(), row%out.Pixels()
	oy, ox := pixel/out.W, pixel%out.W
	for r := range n {
		ys[r], xs[r] = oy*op.Stride.H-op.Pad.Top, ox*op.Stride.W-op.Pad.Left
		at[r] = 4 * (src.at + ((image*op.In.H+ys[r])*op.In.W+xs[r])*src.pitch)
		if ox++; ox == out.W {
			ox = 0
			if oy++; oy == out.H {
				oy = 0
				image++
			}
		}
	}
	for ky := range op.Kernel.H {
		y := ky * op.Dilation.H
		lastY := op.In.H - 1 - y
		var rows [maxRows]int // negative for a row outside the map
		for r := range n {
			rows[r] = (ys[r] + y) | (lastY - ys[r])
		}
		for kx := range op.Kernel.W {
			x := kx * op.Dilation.W
			lastX := op.In.W - 1 - x
			step := 4 * (y*op.In.W + x) * src.pitch
			for r := range n {
				outside := (rows[r] | (xs[r] + x) | (lastX - xs[r])) >> 63 // all bits or none
				table[r] = (at[r]+step)&^outside | (4*s.zeros)&outside
			}
			table = table[d.kernel.Rows:]
		}
	}
	return s.arena
}

// maxRows is the most rows of a tile of any instruction set.
const maxRows = 14
