package runtime

import (
	"math"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/eltwise"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/gemm"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/winograd"
)

// winogradConv is the algorithm Winograd. The output is cut into tiles of 4x4 pixels, those
// of all images one after the other. A block of tiles is transformed, multiplied with the
// weights, 36 matrix products, and transformed back, while the second-level cache holds it.
//
// The transformed weights are four times as many as the kernel's and are read once a block.
// Where an image has tiles for many blocks, threads take whole blocks. Where it has
// few, they share a block: first they transform its tiles; then each multiplies and
// transforms back some of the output channels, so that no weight is read twice.
type winogradConv struct {
	op        *Conv
	gemm      *gemm.Kernel
	transform winograd.Kernel
	tilesH    int // of an image
	tilesW    int
	block     int  // most tiles of a block
	shared    bool // threads share a block
	planeIn   int  // floats of an element of a transformed tile of the input
	planeOut  int  // and of the output, for the channels of a part
	parts     []winogradPart
	u         []float32
	bias      []float32 // zeros for the planes without the bias, then that of each part

	lo, hi float32
	clamps bool // the bounds are all of the activation
}

// winogradPart is some output channels: consecutive panels of one width.
type winogradPart struct {
	first, cols   int // channels
	width, panels int
	u, uLen       int // transformed weights, [plane][panel][input channel][width]
	bias          int
}

// In floats.
const (
	winogradBlock  = 192 << 10 // of the transformed tiles of a block
	winogradShared = 256 << 10 // weights from which threads share a block
)

// canWinograd reports whether the algorithm Winograd can compute a convolution.
func (op *Conv) canWinograd() bool {
	one := Size{1, 1}
	return op.Kernel == Size{3, 3} && op.Stride == one && op.Dilation == one && op.Groups == 1
}

func newWinograd(op *Conv, isa cpu.ISA) *winogradConv {
	w := &winogradConv{
		op:        op,
		gemm:      gemm.For(isa),
		transform: winograd.For(isa),
		tilesH:    (op.Out.H + winograd.Out - 1) / winograd.Out,
		tilesW:    (op.Out.W + winograd.Out - 1) / winograd.Out,
		planeIn:   planePitch(op.In.C),
	}
	w.lo, w.hi, w.clamps = op.Act.kernel().Bounds()
	if !w.clamps {
		w.lo, w.hi, _ = eltwise.None.Bounds()
	}
	const few = 64
	tiles := w.tilesH * w.tilesW
	w.shared = tiles <= few && winograd.Planes*op.In.C*op.Out.C > winogradShared
	w.cut()
	if w.shared {
		w.block = max(tiles, 2*w.gemm.Rows)
	} else {
		rows := winogradBlock / (winograd.Planes * (op.In.C + w.planeOut)) / w.gemm.Rows
		w.block = max(1, rows) * w.gemm.Rows
	}
	return w
}

// planePitch is the pitch for so many channels: an odd number of lines, so that equal
// channels of different planes and tiles fall into different sets of the first cache.
func planePitch(channels int) int {
	lines := (channels + lineFloats - 1) / lineFloats
	return (lines | 1) * lineFloats
}

// cut makes the parts.
func (w *winogradConv) cut() {
	most := 4 // panels of a part
	if w.shared {
		most = 1
		if w.op.Out.C >= 16*w.gemm.Width {
			most = 2
		}
	}
	width := 0 // of all parts
	for _, q := range w.gemm.Panels(w.op.Out.C, winograd.Planes*w.op.In.C) {
		n := len(w.parts)
		if n == 0 || w.parts[n-1].panels == most || w.parts[n-1].width != q.Width {
			w.parts = append(w.parts, winogradPart{first: q.First, width: q.Width, u: q.B, bias: q.Bias})
			n++
		}
		p := &w.parts[n-1]
		p.panels++
		p.cols += q.Cols
		p.uLen += winograd.Planes * w.op.In.C * q.Width
		width = max(width, p.panels*p.width)
	}
	for i := range w.parts {
		w.parts[i].bias += width // behind the zeros
	}
	w.planeOut = planePitch(width)
}

func (w *winogradConv) zeros() int { return w.op.In.C }

// pack transforms the weights.
func (w *winogradConv) pack(f *filter) {
	last := w.parts[len(w.parts)-1]
	w.u = f.memory.floats(last.u + last.uLen)
	w.bias = f.memory.floats(last.bias + last.panels*last.width)
	for _, p := range w.parts {
		copy(w.bias[p.bias:], f.bias[p.first:][:p.cols])
	}
	type panel struct {
		part *winogradPart
		i    int
	}
	var panels []panel
	for i := range w.parts {
		for j := range w.parts[i].panels {
			panels = append(panels, panel{&w.parts[i], j})
		}
	}
	inParallel(len(panels), func(from, to int) {
		for _, q := range panels[from:to] {
			w.packPanel(q.part, q.i, f)
		}
	})
}

// packPanel transforms the weights of a panel, a few input channels of each of its output
// channels at a time: as much as the second-level cache holds.
func (w *winogradConv) packPanel(p *winogradPart, i int, f *filter) {
	const some = 16
	var buf [9 * some]float32
	depth := w.op.In.C
	plane := p.panels * depth * p.width
	u := w.u[p.u+i*depth*p.width:]
	cols := min(p.width, p.cols-i*p.width)
	for from := 0; from < depth; from += some {
		to := min(from+some, depth)
		for j := range cols {
			g := f.channel(p.first+i*p.width+j, 9*from, 9*to, buf[:])
			for k := from; k < to; k++ {
				at := k*p.width + j
				for _, v := range winograd.Weights(g[9*(k-from):][:9]) {
					u[at] = v
					at += plane
				}
			}
		}
	}
}

// winogradCall is one run. What its tasks compute depends neither on how many there are
// nor on who does them.
type winogradCall struct {
	*winogradConv
	tiles  int // of all images
	from   int // the block [from, to), if it is shared
	to     int
	splits int // of the block's tiles, for each part
	phase  winogradPhase
}

type winogradPhase uint8

const (
	winogradBlocks  winogradPhase = iota // a task is a block
	winogradInward                       // a task is some tiles, transformed
	winogradOutward                      // a task is the rest, for a part
)

func (w *winogradConv) run(s *Session) {
	c := &s.winograd
	*c = winogradCall{winogradConv: w, tiles: s.images * w.tilesH * w.tilesW}
	blocks := (c.tiles + w.block - 1) / w.block
	if !w.shared {
		if s.threads > 1 {
			blocks = min(c.tiles, roundUp(blocks, s.threads))
		}
		s.run(c, blocks)
		return
	}
	c.splits = 1
	if s.threads > len(w.parts) {
		c.splits = (s.threads + len(w.parts) - 1) / len(w.parts)
	}
	for i := range blocks {
		c.from, c.to = c.tiles*i/blocks, c.tiles*(i+1)/blocks
		c.phase = winogradInward
		s.run(c, min(c.to-c.from, 4*s.threads))
		c.phase = winogradOutward
		c.splits = min(c.splits, c.to-c.from)
		s.run(c, len(w.parts)*c.splits)
	}
}

func (c *winogradCall) task(s *Session, worker, i int) {
	n := c.to - c.from
	switch c.phase {
	case winogradBlocks:
		from, to := s.part(i, c.tiles)
		v := c.inputs(s, worker)
		c.inward(s, worker, v, from, to)
		for p := range c.parts {
			c.outward(s, worker, v, &c.parts[p], from, to)
		}
	case winogradInward:
		from, to := s.part(i, n)
		c.inward(s, worker, c.inputs(s, 0)[from*c.tileIn():], c.from+from, c.from+to)
	case winogradOutward:
		split := i % c.splits
		from, to := n*split/c.splits, n*(split+1)/c.splits
		c.outward(s, worker, c.inputs(s, 0)[from*c.tileIn():], &c.parts[i/c.splits], c.from+from, c.from+to)
	}
}

// Scratch memory is tables of offsets, transformed tiles of the input, and of the output.

func (w *winogradConv) scratch() int { return w.tables() + w.block*(w.tileIn()+w.tileOut()) }

// tables are those of the pixels of a tile inside the map, of one at its border, and of the
// rows of a product.
func (w *winogradConv) tables() int {
	return roundUp(2*(2*winograd.Planes+w.gemm.Rows), lineFloats)
}

// tileIn and tileOut are the floats of a transformed tile.
func (w *winogradConv) tileIn() int  { return winograd.Planes * w.planeIn }
func (w *winogradConv) tileOut() int { return winograd.Planes * w.planeOut }

// inputs is a thread's memory for transformed tiles of the input.
func (w *winogradConv) inputs(s *Session, worker int) []float32 {
	return s.scratch(worker)[w.tables():][:w.block*w.tileIn()]
}

// outputs is a thread's memory for transformed tiles of the output.
func (w *winogradConv) outputs(s *Session, worker int) []float32 {
	return s.scratch(worker)[w.tables()+w.block*w.tileIn():]
}

// winogradTile is the place of a tile.
type winogradTile struct{ image, y, x int } // y and x in tiles

func (w *winogradConv) tile(i int) winogradTile {
	return winogradTile{i / (w.tilesH * w.tilesW), i / w.tilesW % w.tilesH, i % w.tilesW}
}

// next moves on to the next tile.
func (t *winogradTile) next(w *winogradConv) {
	if t.x++; t.x < w.tilesW {
		return
	}
	t.x = 0
	if t.y++; t.y < w.tilesH {
		return
	}
	t.y = 0
	t.image++
}

// inward transforms tiles [from, to) of the input to v.
func (w *winogradConv) inward(s *Session, worker int, v []float32, from, to int) {
	op, src := w.op, s.call.src
	tables := ints(s.scratch(worker)[:w.tables()])
	inside, border := tables[:winograd.Planes], tables[winograd.Planes:][:winograd.Planes]
	for i := range inside {
		inside[i] = 4 * (i/winograd.In*op.In.W + i%winograd.In) * src.pitch
	}
	t := winograd.Input{Pitch: w.planeIn, Channels: op.In.C}
	at := w.tile(from)
	for range to - from {
		y, x := at.y*winograd.Out-op.Pad.Top, at.x*winograd.Out-op.Pad.Left
		first := src.at + ((at.image*op.In.H+y)*op.In.W+x)*src.pitch
		if y >= 0 && y+winograd.In <= op.In.H && x >= 0 && x+winograd.In <= op.In.W {
			t.Src, t.Offsets = s.arena[first:], inside
		} else {
			w.border(border, inside, y, x, 4*first, 4*s.zeros)
			t.Src, t.Offsets = s.arena, border
		}
		t.Dst = v[:w.tileIn()]
		w.transform.Input(&t)
		v = v[w.tileIn():]
		at.next(w)
	}
}

// border fills in the offsets of a tile whose first pixel is y, x, at the offset first.
// Those outside the map are zeros.
func (w *winogradConv) border(offsets, inside []int, y, x, first, zeros int) {
	for r := range winograd.In {
		row, from := offsets[r*winograd.In:][:winograd.In], inside[r*winograd.In:][:winograd.In]
		outside := uint(y+r) >= uint(w.op.In.H)
		for c := range row {
			row[c] = first + from[c]
			if outside || uint(x+c) >= uint(w.op.In.W) {
				row[c] = zeros
			}
		}
	}
}

// outward multiplies transformed tiles [from, to), which begin at v, with the weights of a
// part, and transforms the products back.
func (w *winogradConv) outward(s *Session, worker int, v []float32, p *winogradPart, from, to int) {
	m := w.outputs(s, worker)
	w.multiply(s, worker, m, v, p, to-from)
	op, dst, arg := w.op, s.call.dst, s.call.arg
	t := winograd.Output{
		Pitch: w.planeOut, Channels: p.cols,
		DstLine: op.Out.W * dst.pitch, DstPitch: dst.pitch,
		ResidualLine: op.Out.W * arg.pitch, ResidualPitch: arg.pitch,
		Lo: w.lo, Hi: w.hi,
	}
	at := w.tile(from)
	for range to - from {
		y, x := at.y*winograd.Out, at.x*winograd.Out
		pixel := (at.image*op.Out.H+y)*op.Out.W + x
		t.Rows, t.Cols = min(winograd.Out, op.Out.H-y), min(winograd.Out, op.Out.W-x)
		t.Src = m[:w.tileOut()]
		t.Dst = dst.data[pixel*dst.pitch+p.first:]
		if arg.data != nil {
			t.Residual = arg.data[pixel*arg.pitch+p.first:]
		}
		w.transform.Output(&t)
		if !w.clamps {
			for r := range t.Rows {
				d := eltwise.Rows{Data: t.Dst[r*t.DstLine:], Pitch: dst.pitch}
				eltwise.Act(op.Act.kernel(), op.Act.Slope, d, d, t.Cols, p.cols)
			}
		}
		m = m[w.tileOut():]
		at.next(w)
	}
}

// multiply computes the 36 products of n transformed tiles v with the weights of a part.
// Padded columns are zeros, so that all of m may be transformed.
func (w *winogradConv) multiply(s *Session, worker int, m, v []float32, p *winogradPart, n int) {
	rows := ints(s.scratch(worker)[:w.tables()])[2*winograd.Planes:][:w.gemm.Rows]
	for i := range rows {
		rows[i] = 4 * i * w.tileIn()
	}
	inf := float32(math.Inf(1))
	call := gemm.Call{
		Taps: 1, K: w.op.In.C, Width: p.width, Panels: p.panels, Cols: p.width,
		Offsets: rows, LDC: w.tileOut(), Lo: -inf, Hi: inf,
	}
	chunks := (n + w.gemm.Rows - 1) / w.gemm.Rows
	size := p.uLen / winograd.Planes
	for plane := range winograd.Planes {
		call.B = w.u[p.u+plane*size:][:size]
		call.Bias = w.bias
		if plane == winograd.BiasPlane {
			call.Bias = w.bias[p.bias:]
		}
		after := p.u + (plane+1)*size
		next := w.u[after:min(after+size, len(w.u))]
		for i := range chunks {
			first, end := n*i/chunks, n*(i+1)/chunks
			call.Rows = end - first
			call.A = v[first*w.tileIn()+plane*w.planeIn:]
			call.C = m[first*w.tileOut()+plane*w.planeOut:]
			call.Next = share(next, i, i+1, chunks)
			w.gemm.Run(&call)
		}
	}
}
