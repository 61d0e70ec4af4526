package runtime

import (
	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/eltwise"
)

// prologue is the algorithm Direct for pointwise convolutions that change their input
// as they read it. A task does so with a band of pixels at a time, in scratch memory,
// where the product finds them; they never get into the arena.
type prologue struct {
	product
	op    *Conv
	pitch int // floats from one pixel of a band to the next
	band  int // pixels, at least a tile

	scale, shift []float32 // of the norm, nil if there is none
	lo, hi       float32
	clamps       bool // the bounds are all of the activation
}

// A band should fit into the second-level cache together with a block of weights. Where
// all weights are one block, which every tile reads anyway, it need not be larger than
// keeps the first-level cache warm. In floats:
const (
	largeBand = 64 << 10
	smallBand = 2 << 10
)

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
	if p.pitch%1024 == 0 {
		p.pitch += lineFloats // else, pixels would compete for the same lines of the first-level cache
	}
	p.band = max(p.kernel.Rows, min(largeBand/p.pitch, op.In.Pixels()))
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

// prologueGrid divides a run into tasks: each does a chunk of the tiles and a part of
// the blocks.
type prologueGrid struct {
	m, tiles, chunks int
	blocks           []block
	parts            int
}

func (p *prologue) grid(s *Session) prologueGrid {
	m, a := s.images*p.op.Out.Pixels(), len(s.call.src.data)
	g := prologueGrid{m: m, tiles: (m + p.kernel.Rows - 1) / p.kernel.Rows, blocks: p.blocks(m, a), parts: 1}
	if len(p.b) > a { // every thread should read its own part of the weights
		g.parts = min(len(g.blocks), s.threads)
	}
	g.chunks = min(g.tiles, (p.tasks(s, m)+g.parts-1)/g.parts)
	return g
}

func (p *prologue) run(s *Session) {
	g := p.grid(s)
	s.run(p, g.chunks*g.parts)
}

func (p *prologue) task(s *Session, worker, i int) {
	g := p.grid(s)
	mem := s.scratch(worker)
	pixels, table := mem[:p.tableStart()], ints(mem[p.tableStart():])[:p.kernel.Rows]
	for r := range table {
		table[r] = 4 * r * p.pitch
	}
	chunk, part := i%g.chunks, i/g.chunks
	blocks := g.blocks[len(g.blocks)*part/g.parts : len(g.blocks)*(part+1)/g.parts]
	from, to := g.tiles*chunk/g.chunks, g.tiles*(chunk+1)/g.chunks

	step := p.band // pixels, then tiles
	if len(blocks) == 1 {
		step = min(step, smallBand/p.pitch)
	}
	step = max(1, step/p.kernel.Rows)
	call := p.newCall(s, table)
	for ; from < to; from += step {
		end := min(from+step, to)
		first := g.m * from / g.tiles
		p.read(s, pixels, first, g.m*end/g.tiles-first)
		for i := range blocks {
			next := p.after(&blocks[i])
			row, active := first, first
			for tile := from; tile < end; tile++ {
				last := g.m * (tile + 1) / g.tiles
				call.Rows = last - row
				p.tile(s, &call, pixels[(row-first)*p.pitch:], row, &blocks[i], share(next, tile-from, tile-from+1, end-from))
				row = last
				active = p.activate(s, &blocks[i], active, row, tile+1 < end)
			}
		}
	}
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
