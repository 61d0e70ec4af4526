package runtime

import (
	"math"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/eltwise"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/gemm"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/winograd"
)

// Scratch memory is tables of offsets, transformed tiles of the input, and of the output.

func (w *winogradConv) scratch() int { return w.tables() + w.block*(w.tileIn()+w.tileOut()) }

func (w *winogradConv) zeros() int { return w.op.In.C }

// tables are those of the pixels of a tile inside the map, of one at its border, and of the
// rows of a product.
func (w *winogradConv) tables() int {
	return roundUp(2*(2*w.planes+w.gemm.Rows), lineFloats)
}

// tileIn is the floats of a transformed tile of the input.
func (w *winogradConv) tileIn() int { return w.planes * w.planeIn }

// tileOut is the floats of a transformed tile of the output.
func (w *winogradConv) tileOut() int { return w.planes * w.planeOut }

// inputs is a thread's memory for transformed tiles of the input.
func (w *winogradConv) inputs(s *Session, worker int) []float32 {
	return s.scratch(worker)[w.tables():][:w.block*w.tileIn()]
}

// outputs is a thread's memory for transformed tiles of the output.
func (w *winogradConv) outputs(s *Session, worker int) []float32 {
	return s.scratch(worker)[w.tables()+w.block*w.tileIn():]
}

// winogradCall is one run. What its tasks compute depends neither on how many there are
// nor on who does them.
type winogradCall struct {
	*winogradConv
	phase    winogradPhase
	tiles    int // of all images
	from, to int // tiles of the block that threads share
	splits   int // into how many tasks they divide the tiles of each part
}

// winogradPhase says what a task is.
type winogradPhase uint8

const (
	winogradBlock   winogradPhase = iota // a block
	winogradInward                       // some tiles of a shared block, transformed
	winogradOutward                      // some tiles of a shared block, the rest for a part
)

func (w *winogradConv) run(s *Session) {
	c := &s.winograd
	*c = winogradCall{winogradConv: w, tiles: s.images * w.tilesH * w.tilesW}
	blocks := (c.tiles + w.block - 1) / w.block
	if !w.shared {
		s.run(c, min(c.tiles, roundUp(blocks, s.threads)))
		return
	}
	for i := range blocks {
		c.from, c.to = c.tiles*i/blocks, c.tiles*(i+1)/blocks
		n := c.to - c.from
		c.phase = winogradInward
		s.run(c, min(n, 4*s.threads))
		c.phase = winogradOutward
		c.splits = min(n, (s.threads+len(w.parts)-1)/len(w.parts))
		s.run(c, len(w.parts)*c.splits)
	}
}

func (c *winogradCall) task(s *Session, worker, i int) {
	n := c.to - c.from
	switch c.phase {
	case winogradBlock:
		from, to := s.part(i, c.tiles)
		v := c.inputs(s, worker)
		c.inward(s, worker, v, from, to)
		for p := range c.parts {
			c.outward(s, worker, v, p, from, to)
		}
	case winogradInward:
		from, to := s.part(i, n)
		c.inward(s, worker, c.inputs(s, 0)[from*c.tileIn():], c.from+from, c.from+to)
	case winogradOutward:
		split := i % c.splits
		from, to := n*split/c.splits, n*(split+1)/c.splits
		c.outward(s, worker, c.inputs(s, 0)[from*c.tileIn():], i/c.splits, c.from+from, c.from+to)
	}
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
	inside, border := tables[:w.planes], tables[w.planes:][:w.planes]
	for i := range inside {
		inside[i] = 4 * (i/w.in*op.In.W + i%w.in) * src.pitch
	}
	t := winograd.Input{Pitch: w.planeIn, Channels: op.In.C}
	at := w.tile(from)
	for range to - from {
		y, x := at.y*w.out-op.Pad.Top, at.x*w.out-op.Pad.Left
		first := src.at + ((at.image*op.In.H+y)*op.In.W+x)*src.pitch
		if y >= 0 && y+w.in <= op.In.H && x >= 0 && x+w.in <= op.In.W {
			t.Src, t.Offsets = s.arena[first:], inside
		} else {
			w.locate(border, inside, y, x, 4*first, 4*s.zeros)
			t.Src, t.Offsets = s.arena, border
		}
		t.Dst = v[:w.tileIn()]
		w.transform.Input(&t)
		v = v[w.tileIn():]
		at.next(w)
	}
}

// locate fills in the offsets of a tile whose first pixel is y, x, at the offset first.
// Outside the map there are zeros.
func (w *winogradConv) locate(offsets, inside []int, y, x, first, zeros int) {
	for r := range w.in {
		row, from := offsets[r*w.in:][:w.in], inside[r*w.in:][:w.in]
		outside := uint(y+r) >= uint(w.op.In.H)
		for c := range row {
			row[c] = first + from[c]
			if outside || uint(x+c) >= uint(w.op.In.W) {
				row[c] = zeros
			}
		}
	}
}

// outward multiplies transformed tiles [from, to), which begin at v, with the weights of
// part i, and transforms the products back.
func (c *winogradCall) outward(s *Session, worker int, v []float32, i, from, to int) {
	p := &c.parts[i]
	m := c.outputs(s, worker)
	c.multiply(s, worker, m, v, i, from, to)
	op, dst, arg := c.op, s.call.dst, s.call.arg
	t := winograd.Output{
		Pitch: c.planeOut, Channels: p.cols,
		DstLine: op.Out.W * dst.pitch, DstPitch: dst.pitch,
		ResidualLine: op.Out.W * arg.pitch, ResidualPitch: arg.pitch,
		Lo: c.lo, Hi: c.hi,
	}
	at := c.tile(from)
	for range to - from {
		y, x := at.y*c.out, at.x*c.out
		pixel := (at.image*op.Out.H+y)*op.Out.W + x
		t.Rows, t.Cols = min(c.out, op.Out.H-y), min(c.out, op.Out.W-x)
		t.Src = m[:c.tileOut()]
		t.Dst = dst.data[pixel*dst.pitch+p.first:]
		if arg.data != nil {
			t.Residual = arg.data[pixel*arg.pitch+p.first:]
		}
		c.transform.Output(&t)
		if !c.clamps {
			for r := range t.Rows {
				d := eltwise.Rows{Data: t.Dst[r*t.DstLine:], Pitch: dst.pitch}
				eltwise.Act(op.Act.kernel(), op.Act.Slope, d, d, t.Cols, p.cols)
			}
		}
		m = m[c.tileOut():]
		at.next(c.winogradConv)
	}
}

// multiply computes the products of tiles [from, to), v, with the weights of part i.
// Padded columns are zeros, so that all of m may be transformed.
//
// What follows is asked for in passing: the weights; but if the block is nobody else's,
// then the pixels that it becomes during the first half of its first part, and those of
// the next block during the second half of the last part.
func (c *winogradCall) multiply(s *Session, worker int, m, v []float32, i, from, to int) {
	rows := ints(s.scratch(worker)[:c.tables()])[2*c.planes:][:c.gemm.Rows]
	for r := range rows {
		rows[r] = 4 * r * c.tileIn()
	}
	inf := float32(math.Inf(1))
	p, n := &c.parts[i], to-from
	call := gemm.Call{
		Tiles: 1,
		Taps:  1, K: c.op.In.C, Width: p.width, Panels: p.panels, Cols: p.width,
		Offsets: rows, LDC: c.tileOut(), Lo: -inf, Hi: inf,
	}
	chunks := (n + c.gemm.Rows - 1) / c.gemm.Rows
	half := c.planes / 2
	var pixels winogradPixels
	for plane := range c.planes {
		switch {
		case c.shared:
		case plane == 0 && i == 0:
			pixels = c.pixels(s.call.dst, c.op.Out, from, to, 0, half*chunks)
		case plane == half && i == len(c.parts)-1:
			down := c.in - c.out - c.op.Pad.Top
			pixels = c.pixels(s.call.src, c.op.In, to, min(to+n, c.tiles), down, half*chunks)
		}
		at := p.u + plane*p.plane
		call.B = c.u[at:][:p.plane]
		call.Bias = c.bias
		if plane == c.transform.BiasPlane() {
			call.Bias = c.bias[p.bias:]
		}
		next := c.u[at+p.plane : min(at+2*p.plane, len(c.u))]
		for k := range chunks {
			first, end := n*k/chunks, n*(k+1)/chunks
			call.Rows = end - first
			call.A = v[first*c.tileIn()+plane*c.planeIn:]
			call.C = m[first*c.tileOut()+plane*c.planeOut:]
			if call.Next = pixels.next(c.winogradConv); call.Next == nil {
				call.Next = share(next, k, k+1, chunks)
			}
			c.gemm.Run(&call)
		}
	}
}

// winogradPixels hands out the memory of the pixels of some tiles, piece by piece: line by
// line of one row of tiles, then of the next.
type winogradPixels struct {
	tensor
	shape    Shape
	from, to int       // tiles
	down     int       // how many lines below the tiles the pixels lie
	line     int       // of the tiles from on
	left     []float32 // of that line
	piece    int       // floats
}

// pixels returns those of tiles [from, to) in about so many pieces.
func (w *winogradConv) pixels(t tensor, shape Shape, from, to, down, pieces int) winogradPixels {
	p := winogradPixels{tensor: t, shape: shape, from: from, to: to, down: down}
	if t.pitch > 2*shape.C {
		p.to = from // most of the memory is somebody else's
	}
	lines := w.out * ((to-from)/w.tilesW + 2)
	p.piece = (to - from) * w.out * w.out * t.pitch / max(1, pieces-lines)
	return p
}

// next returns a piece, nil if there is none left.
func (p *winogradPixels) next(w *winogradConv) []float32 {
	for len(p.left) == 0 {
		if p.from >= p.to {
			return nil
		}
		at := w.tile(p.from)
		run := min(p.to-p.from, w.tilesW-at.x)
		y, x := at.y*w.out+p.down+p.line, at.x*w.out
		end := min(x+run*w.out, p.shape.W)
		if y >= 0 && y < p.shape.H && x < end {
			row := (at.image*p.shape.H + y) * p.shape.W
			p.left = p.data[(row+x)*p.pitch : min((row+end)*p.pitch, len(p.data))]
		}
		if p.line++; p.line == w.out {
			p.line = 0
			p.from += run
		}
	}
	n := min(len(p.left), max(1, p.piece))
	piece := p.left[:n]
	p.left = p.left[n:]
	return piece
}
