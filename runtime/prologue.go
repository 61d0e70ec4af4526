package runtime

import (
	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/eltwise"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/pool"
)

// prologue is the algorithm Direct for pointwise convolutions that change their input
// as they read it. A task does so with a band of pixels at a time, in scratch memory,
// where the product finds them in the first-level cache; they never get into the arena.
// Every tile reads all weights, which should therefore be few.
type prologue struct {
	product
	change
	all  block // of weights
	band int   // pixels, at least a tile
}

// change is what a pointwise convolution does to its input.
type change struct {
	op     *Conv
	pitch  int // floats from one changed pixel to the next
	window int // pixels of the input that one is made of

	scale, shift []float32 // of the norm; 1 and 0 if there is none
	lo, hi       float32
	clamps       bool // the bounds are all of the activation
}

// oneTap reports whether an output pixel is made of the same input pixel alone.
func (op *Conv) oneTap() bool {
	one := Size{1, 1}
	return op.Kernel == one && op.Stride == one && op.Pad == Padding{}
}

// pointwise reports whether it is made of all channels of that pixel.
func (op *Conv) pointwise() bool { return op.oneTap() && op.Groups == 1 }

// changesInput reports whether the convolution does anything to its input.
func (op *Conv) changesInput() bool {
	return op.InNorm || op.InAct.Kind != None || op.pools() || op.Gate
}

// pools reports whether the convolution reads means of its input's pixels.
func (op *Conv) pools() bool { return op.InPool != Size{} }

// gate is the shape of what the input is multiplied by.
func (op *Conv) gate() Shape { return Shape{op.In.C, 1, 1} }

func newPrologue(op *Conv, isa cpu.ISA) *prologue {
	p := &prologue{
		product: newProduct(isa, 1, op.In.C, 1, op.Out.C, op.Act),
		change:  newChange(op),
	}
	p.all = p.block(p.panels)
	p.band = max(p.kernel.Rows, changedFloats/p.pitch)
	return p
}

// changedFloats is how many floats of the input are changed at a time: a call should be worth it.
const changedFloats = 2 << 10

func newChange(op *Conv) change {
	if !op.pointwise() {
		panic("cnnc: only a pointwise convolution changes its input")
	}
	c := change{
		op:     op,
		pitch:  roundUp(op.In.C, lineFloats),
		window: max(1, op.InPool.H*op.InPool.W),
	}
	if c.pitch%512 == 0 {
		c.pitch += lineFloats // else, pixels would compete for the same lines of the first-level cache
	}
	c.lo, c.hi, c.clamps = op.InAct.kernel().Bounds()
	if !c.clamps {
		if op.pools() {
			panic("cnnc: a convolution that pools its input can clamp it, and no more")
		}
		c.lo, c.hi, _ = eltwise.None.Bounds()
	}
	c.scale, c.shift = make([]float32, op.In.C), make([]float32, op.In.C)
	for i := range c.scale {
		c.scale[i] = 1
	}
	return c
}

// pack takes over the norm that is not folded in.
func (c *change) pack(f *filter) {
	if !c.op.InNorm {
		return
	}
	scale, shift := f.asRead.values()
	for i := range scale {
		c.scale[i], c.shift[i] = float32(scale[i]), float32(shift[i])
	}
}

func (p *prologue) scratch() int { return p.tableStart() + p.tableFloats() }

// tableStart is where the table of offsets lies in scratch, behind the band.
func (p *prologue) tableStart() int { return p.band * p.pitch }

func (p *prologue) zeros() int { return 0 }

func (p *prologue) pack(f *filter) {
	p.product.pack(f, func(_, i int) int { return i })
	p.change.pack(f)
}

func (p *prologue) run(s *Session) {
	m := s.images * p.op.Out.Pixels()
	s.run(p, min(p.tiles(m), s.tasks(m*len(p.b))))
}

// tiles is how many tiles m pixels make.
func (p *prologue) tiles(m int) int { return (m + p.kernel.Rows - 1) / p.kernel.Rows }

func (p *prologue) task(s *Session, worker, i int) {
	mem := s.scratch(worker)
	pixels, table := mem[:p.tableStart()], ints(mem[p.tableStart():])[:p.kernel.Rows]
	for r := range table {
		table[r] = 4 * r * p.pitch
	}
	m := s.images * p.op.Out.Pixels()
	tiles := p.tiles(m)
	begin := func(tile int) int { return m * tile / tiles } // its first pixel
	step := p.band / p.kernel.Rows                          // tiles of a band
	call := p.newCall(s, table)
	for from, to := s.part(i, tiles); from < to; from += step {
		end := min(from+step, to)
		first, last := begin(from), begin(end)
		p.read(s, pixels, first, last-first)
		next := s.call.src.span(p.window*last, p.window*(2*last-first)) // what the next band is made of
		active := first
		for tile, until := from, from; tile < end; tile = until {
			until = p.together(&p.all, m, tiles, tile, end)
			row, below := begin(tile), begin(until)
			call.Tiles, call.Rows = until-tile, (below-row)/(until-tile)
			call.ATile = call.Rows * p.pitch
			p.tile(s, &call, pixels[(row-first)*p.pitch:], row, &p.all, share(next, tile-from, until-from, end-from))
			active = p.activate(s, &p.all, active, below, until < end)
		}
	}
}

// span is the memory of pixels [from, to), as far as they exist.
func (t tensor) span(from, to int) []float32 {
	return t.data[min(from*t.pitch, len(t.data)):min(to*t.pitch, len(t.data))]
}

// read makes n pixels of the product's input, from pixel first of all images on.
func (c *change) read(s *Session, pixels []float32, first, n int) {
	op, channels := c.op, c.op.In.C
	dst, src := eltwise.Rows{Data: pixels, Pitch: c.pitch}, s.call.src.rows(first)
	switch {
	case op.pools():
		c.average(s, pixels, first, n)
		src = dst
	case op.InNorm:
		eltwise.Affine(dst, src, c.scale, c.shift, n, channels, c.lo, c.hi)
		src = dst
	}
	if op.InAct.Kind != None && !(op.InNorm && c.clamps) && !op.pools() {
		eltwise.Act(op.InAct.kernel(), op.InAct.Slope, dst, src, n, channels)
		src = dst
	}
	if op.Gate {
		multiply(dst, src, s.call.gate, Shape{channels, op.Out.H, op.Out.W}, first, n)
	}
}

// average makes n pixels, from the one numbered first on, of the windows that they stand
// for; norm and activation included.
func (c *change) average(s *Session, pixels []float32, first, n int) {
	in, out, window, src := c.op.In, c.op.Out, c.op.InPool, &s.call.src
	w := pool.Window{
		Rows: window.H, Cols: window.W, RowPitch: in.W * src.pitch, ColPitch: src.pitch,
		DstPitch: c.pitch, SrcPitch: window.W * src.pitch, Channels: in.C,
	}
	affine := pool.Affine{Scale: c.scale, Shift: c.shift, Lo: c.lo, Hi: c.hi}
	for end := first + n; first < end; first += w.Count { // row by row
		row, x := first/out.W, first%out.W
		w.Count = min(end-first, out.W-x)
		at := (row/out.H*in.H+row%out.H*window.H)*in.W + x*window.W
		pool.SumAffine(pixels, src.data[at*src.pitch:], &w, &affine, 1/float32(c.window))
		pixels = pixels[w.Count*c.pitch:]
	}
}

func (p *prologue) resized(op *Conv) algorithm {
	other := *p
	other.op = op
	return &other
}
