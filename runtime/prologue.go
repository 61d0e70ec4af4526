package runtime

import (
	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/eltwise"
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

	scale, shift []float32 // of the norm, nil if there is none
	lo, hi       float32
	clamps       bool // the bounds are all of the activation
}

// pointwise reports whether an output pixel is made of the same input pixel alone.
func (op *Conv) pointwise() bool {
	one := Size{1, 1}
	return op.Kernel == one && op.Stride == one && op.Pad == Padding{} && op.Groups == 1
}

// changesInput reports whether the convolution does anything to its input.
func (op *Conv) changesInput() bool { return op.InNorm || op.InAct.Kind != None || op.Gate }

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
	}
	p.all = p.block(p.panels)
	if p.pitch%1024 == 0 {
		p.pitch += lineFloats // else, pixels would compete for the same lines of the first-level cache
	}
	const floats = 2 << 10 // of a band: a call should be worth it
	p.band = max(p.kernel.Rows, floats/p.pitch)
	p.lo, p.hi, p.clamps = op.InAct.kernel().Bounds()
	if !p.clamps {
		p.lo, p.hi, _ = eltwise.None.Bounds()
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
	p.scale, p.shift = make([]float32, len(scale)), make([]float32, len(shift))
	for c := range scale {
		p.scale[c], p.shift[c] = float32(scale[c]), float32(shift[c])
	}
}

func (p *prologue) run(s *Session) {
	m := s.images * p.op.Out.Pixels()
	s.run(p, min(p.tiles(m), p.tasks(s, m)))
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
		next := s.call.src.span(last, 2*last-first) // what the next band is made of
		active := first
		for tile := from; tile < end; tile++ {
			row, below := begin(tile), begin(tile+1)
			call.Rows = below - row
			p.tile(s, &call, pixels[(row-first)*p.pitch:], row, &p.all, share(next, tile-from, tile-from+1, end-from))
			active = p.activate(s, &p.all, active, below, tile+1 < end)
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
	if op.InNorm {
		eltwise.Affine(dst, src, p.scale, p.shift, n, channels, p.lo, p.hi)
		src = dst
	}
	if op.InAct.Kind != None && !(op.InNorm && p.clamps) {
		eltwise.Act(op.InAct.kernel(), op.InAct.Slope, dst, src, n, channels)
		src = dst
	}
	if op.Gate {
		multiply(dst, src, s.call.gate, op.In, first, n)
	}
}
