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
	op    *Conv
	all   block // of weights
	pitch int   // floats from one pixel of a band to the next
	band  int   // pixels, at least a tile

	window int // pixels of the input that one of a band is made of

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
	if !op.pointwise() {
		panic("cnnc: only a pointwise convolution changes its input")
	}
	p := &prologue{
		product: newProduct(isa, 1, op.In.C, 1, op.Out.C, op.Act),
		op:      op,
		pitch:   roundUp(op.In.C, lineFloats),
		window:  max(1, op.InPool.H*op.InPool.W),
	}
	p.all = p.block(p.panels)
	if p.pitch%512 == 0 {
		p.pitch += lineFloats // else, pixels would compete for the same lines of the first-level cache
	}
	const floats = 2 << 10 // of a band: a call should be worth it
	p.band = max(p.kernel.Rows, floats/p.pitch)
	p.lo, p.hi, p.clamps = op.InAct.kernel().Bounds()
	if !p.clamps {
		if op.pools() {
			panic("cnnc: a convolution that pools its input can clamp it, and no more")
		}
		p.lo, p.hi, _ = eltwise.None.Bounds()
	}
	p.scale, p.shift = make([]float32, op.In.C), make([]float32, op.In.C)
	for c := range p.scale {
		p.scale[c] = 1
	}
	return p
}

func (p *prologue) scratch() int { return p.tableStart() + p.tableFloats() }

// tableStart is where the table of offsets lies in scratch, behind the band.
func (p *prologue) tableStart() int { return p.band * p.pitch }

func (p *prologue) zeros() int { return 0 }

func (p *prologue) pack(f *filter) {
	p.product.pack(f, func(_, i int) int { return i })
	if !p.op.InNorm {
		return
	}
	scale, shift := f.asRead.values()
	for c := range scale {
		p.scale[c], p.shift[c] = float32(scale[c]), float32(shift[c])
	}
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
func (p *prologue) read(s *Session, pixels []float32, first, n int) {
	op, channels := p.op, p.op.In.C
	dst, src := eltwise.Rows{Data: pixels, Pitch: p.pitch}, s.call.src.rows(first)
	switch {
	case op.pools():
		p.average(s, pixels, first, n)
		src = dst
	case op.InNorm:
		eltwise.Affine(dst, src, p.scale, p.shift, n, channels, p.lo, p.hi)
		src = dst
	}
	if op.InAct.Kind != None && !(op.InNorm && p.clamps) && !op.pools() {
		eltwise.Act(op.InAct.kernel(), op.InAct.Slope, dst, src, n, channels)
		src = dst
	}
	if op.Gate {
		multiply(dst, src, s.call.gate, Shape{channels, op.Out.H, op.Out.W}, first, n)
	}
}

// average makes n pixels, from the one numbered first on, of the windows that they stand
// for; norm and activation included.
func (p *prologue) average(s *Session, pixels []float32, first, n int) {
	in, out, window, src := p.op.In, p.op.Out, p.op.InPool, &s.call.src
	w := pool.Window{
		Rows: window.H, Cols: window.W, RowPitch: in.W * src.pitch, ColPitch: src.pitch,
		DstPitch: p.pitch, SrcPitch: window.W * src.pitch, Channels: in.C,
	}
	change := pool.Affine{Scale: p.scale, Shift: p.shift, Lo: p.lo, Hi: p.hi}
	for end := first + n; first < end; first += w.Count { // row by row
		row, x := first/out.W, first%out.W
		w.Count = min(end-first, out.W-x)
		at := (row/out.H*in.H+row%out.H*window.H)*in.W + x*window.W
		pool.SumAffine(pixels, src.data[at*src.pitch:], &w, &change, 1/float32(p.window))
		pixels = pixels[w.Count*p.pitch:]
	}
}

func (p *prologue) resized(op *Conv) algorithm {
	other := *p
	other.op = op
	return &other
}
