package runtime

import "github.com/cnnc-dev/cnnc/runtime/internal/cpu"

// rowTaps is the algorithm RowTaps. A task copies the input rows that some output rows
// need to scratch, without gaps between the pixels and with their padding; there a
// whole kernel row is one tap of the product. Of the first layers, which have three
// channels, this makes a few long taps.
type rowTaps struct {
	product
	op   *Conv
	line int // floats of a padded row
	band int // output rows a task
}

// bandFloats is what the rows of a band should fit into.
const bandFloats = 16 << 10

func newRowTaps(op *Conv, isa cpu.ISA) *rowTaps {
	r := &rowTaps{
		product: newProduct(isa, op.Kernel.H, op.Kernel.W*op.In.C, 1, op.Out.C, op.Act),
		op:      op,
		line:    ((op.Out.W-1)*op.Stride.W + op.Kernel.W) * op.In.C,
	}
	r.band = 1
	for r.band < min(op.Out.H, 8) && r.lines(r.band+1)*r.line <= bandFloats {
		r.band++
	}
	return r
}

// lines is how many input rows so many output rows need.
func (r *rowTaps) lines(band int) int {
	return (band-1)*r.op.Stride.H + (r.op.Kernel.H-1)*r.op.Dilation.H + 1
}

func (r *rowTaps) scratch() int { return r.tableStart() + r.tableFloats() }

// tableStart is where the table of offsets lies in scratch, behind the rows.
func (r *rowTaps) tableStart() int { return roundUp(r.lines(r.band)*r.line, lineFloats) }

func (r *rowTaps) zeros() int { return 0 }

func (r *rowTaps) pack(f *filter) {
	r.product.pack(f, func(t, i int) int {
		x, c := i/r.op.In.C, i%r.op.In.C
		return (c*r.op.Kernel.H+t)*r.op.Kernel.W + x
	})
}

// bands is how many tasks an image has.
func (r *rowTaps) bands() int { return (r.op.Out.H + r.band - 1) / r.band }

func (r *rowTaps) run(s *Session) { s.run(r, s.images*r.bands()) }

func (r *rowTaps) task(s *Session, worker, i int) {
	image, y := i/r.bands(), i%r.bands()*r.band
	band := min(r.band, r.op.Out.H-y)
	mem := s.scratch(worker)
	lines, table := mem[:r.tableStart()], ints(mem[r.tableStart():])
	r.fill(s, lines, image, y*r.op.Stride.H-r.op.Pad.Top, r.lines(band))

	first := (image*r.op.Out.H + y) * r.op.Out.W
	m := band * r.op.Out.W
	tiles := (m + r.kernel.Rows - 1) / r.kernel.Rows
	call := r.newCall(s, table)
	for i := range r.coarse {
		active := first
		located := 0 // pixels, if they lie in a row: so does the table of most tiles
		for tile := range tiles {
			from, to := m*tile/tiles, m*(tile+1)/tiles
			y, x := from/r.op.Out.W, from%r.op.Out.W
			call.Rows = to - from
			if wraps := x+call.Rows > r.op.Out.W; wraps || located < call.Rows {
				r.locate(table, x, call.Rows)
				located = call.Rows
				if wraps {
					located = 0
				}
			}
			a := lines[y*r.op.Stride.H*r.line+x*r.op.Stride.W*r.op.In.C:]
			r.tile(s, &call, a, first+from, &r.coarse[i], nil)
			active = r.activate(s, &r.coarse[i], active, first+to, tile+1 < tiles)
		}
	}
}

// locate fills in the table for n output pixels, from the first of them, in column x.
func (r *rowTaps) locate(table []int, x, n int) {
	at := 0
	for i := range n {
		table[i] = 4 * at
		at += r.op.Stride.W * r.op.In.C
		if x++; x == r.op.Out.W {
			x = 0
			at += r.op.Stride.H*r.line - r.op.Out.W*r.op.Stride.W*r.op.In.C
		}
	}
	first, step := table[:n], 4*r.op.Dilation.H*r.line
	for ky := 1; ky < r.taps; ky++ {
		row := table[ky*r.kernel.Rows:][:n]
		for i, at := range first {
			row[i] = at + ky*step
		}
	}
}

// fill copies n rows of the image, from row y on, with zeros around the map.
func (r *rowTaps) fill(s *Session, lines []float32, image, y, n int) {
	src, in := s.call.src, r.op.In
	for i := range n {
		line := lines[i*r.line:][:r.line]
		if y+i < 0 || y+i >= in.H {
			clear(line)
			continue
		}
		left := r.op.Pad.Left * in.C
		w := min(in.W, r.line/in.C-r.op.Pad.Left) // columns beyond are never read
		clear(line[:left])
		clear(line[left+w*in.C:])
		compact(line[left:], src.data[(image*in.H+y+i)*in.W*src.pitch:], src.pitch, w, in.C)
	}
}

// compact copies n pixels of so many channels from src, where they are a pitch apart,
// to dst, where they are not.
func compact(dst, src []float32, pitch, n, channels int) {
	switch {
	case pitch == channels:
		copy(dst[:n*channels], src)
	case channels == 1:
		for i := range n {
			dst[i] = src[i*pitch]
		}
	case channels == 3: // images
		for i := range n {
			*(*[3]float32)(dst[3*i:]) = *(*[3]float32)(src[i*pitch:])
		}
	default:
		for i := range n {
			copy(dst[i*channels:][:channels], src[i*pitch:])
		}
	}
}
