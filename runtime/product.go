package runtime

import (
	"unsafe"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/eltwise"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/gemm"
)

// product is the matrix product that Direct, RowTaps and linear layers come down to:
// a row of C is an output pixel, a row of A the input that a tap of it reads, B the
// packed weights. Who embeds it says where the rows of A lie.
//
// B is cut into blocks of panels that the second-level cache holds. One block is
// multiplied with all tiles of rows, meanwhile the next is fetched; so every weight is
// read from memory once, while there is something to compute. The first block is left to
// the layer before, and should therefore be small; but A is read once a block, so that
// blocks should be large if A does not stay in the second-level cache.
type product struct {
	kernel *gemm.Kernel
	taps   int // of A a row of C
	depth  int // floats of A a tap
	panels []panel
	single []block // for one row of C
	fine   []block
	coarse []block
	b      []float32
	bias   []float32

	act    Act
	lo, hi float32
	clamps bool // the bounds are all of act

	then []algorithm // the layers that follow, up to the next product
}

// panel is some columns of C.
type panel struct {
	gemm.Panel
	a int // first input channel: groups begin at different ones
}

// block is consecutive panels.
type block struct {
	strips     []strip
	bFrom, bTo int // weights
	from, to   int // columns of C
}

// strip is consecutive panels that one call computes.
type strip struct {
	panel      // the first
	panels int // how many
	step   int // from the a of one to the next
	last   int // columns of C in the last
}

// rowPanels is how many panels a kernel computes at a time if C has one row.
const rowPanels = 4

// In floats: blocks, and the largest A that blocks are fine for.
const (
	fineBlock   = 16 << 10
	coarseBlock = 96 << 10
	fineA       = 256 << 10
)

// newProduct lays out a product without its weights: cols columns of C a group.
func newProduct(isa cpu.ISA, taps, depth, groups, cols int, act Act) product {
	k := gemm.For(isa)
	p := product{kernel: k, taps: taps, depth: depth, act: act}
	if p.lo, p.hi, p.clamps = act.kernel().Bounds(); !p.clamps {
		p.lo, p.hi, _ = eltwise.None.Bounds()
	}
	group := k.Panels(cols, taps*depth)
	last := group[len(group)-1]
	width := last.Bias + last.Width // packed columns of a group
	for g := range groups {
		for _, q := range group {
			q.First += g * cols
			q.B += g * width * taps * depth
			q.Bias += g * width
			p.panels = append(p.panels, panel{q, g * depth})
		}
	}
	size := groups * width * taps * depth
	fine := size / fineBlock
	if fine > 1 {
		fine = roundUp(fine, 2) // as many for each of two threads
	}
	p.single = p.cut(fine, rowPanels)
	p.fine = p.cut(fine, 1)
	p.coarse = p.cut(size/coarseBlock, 1)
	return p
}

// cut divides the panels into n blocks, or as many as there can be if so many panels stay
// together.
func (p *product) cut(n, together int) []block {
	units := (len(p.panels) + together - 1) / together
	n = max(1, min(n, units))
	blocks := make([]block, n)
	for i := range blocks {
		from, to := units*i/n*together, units*(i+1)/n*together
		blocks[i] = p.block(p.panels[from:min(to, len(p.panels))])
	}
	return blocks
}

// blocks are those to multiply an A of m rows and so many floats with.
func (p *product) blocks(m, a int) []block {
	switch {
	case m == 1:
		return p.single
	case a <= fineA:
		return p.fine
	}
	return p.coarse
}

// block joins panels to as few strips as possible: in a strip all panels but the last
// are full, all have the same width, and A moves by the same step.
func (p *product) block(panels []panel) block {
	first, last := panels[0], panels[len(panels)-1]
	b := block{
		bFrom: first.B, bTo: last.B + last.Width*p.taps*p.depth,
		from: first.First, to: last.First + last.Cols,
	}
	for i, q := range panels {
		if i > 0 {
			s, before := &b.strips[len(b.strips)-1], panels[i-1]
			step := q.a - before.a
			if q.Width == s.Width && before.Cols == s.Width && (s.panels == 1 || step == s.step) {
				s.step = step
				s.panels++
				s.last = q.Cols
				continue
			}
		}
		b.strips = append(b.strips, strip{panel: q, panels: 1, last: q.Cols})
	}
	return b
}

// width is the packed columns.
func (p *product) width() int {
	last := &p.panels[len(p.panels)-1]
	return last.Bias + last.Width
}

func (p *product) packed() int { return packedFloats(p.width()*p.taps*p.depth, p.width()) }

// pack takes the weights over. at returns the place of tap t, input i of a group in an
// output channel's weights.
func (p *product) pack(f *filter, at func(t, i int) int) {
	p.b, p.bias = f.floats(p.width()*p.taps*p.depth), f.floats(p.width())
	steps := make([]int, p.taps*p.depth) // of the product, in the filter's order
	for t := range p.taps {
		for i := range p.depth {
			steps[at(t, i)] = t*p.depth + i
		}
	}
	f.inParallel(len(p.panels), func(from, to int) {
		for _, q := range p.panels[from:to] {
			p.packPanel(q, f, steps)
		}
	})
}

// packPanel packs a panel, some weights of each of its channels at a time: as much as the
// second-level cache holds.
func (p *product) packPanel(q panel, f *filter, steps []int) {
	const some = 512
	copy(p.bias[q.Bias:], f.bias[q.First:][:q.Cols])
	b := p.b[q.B:][:len(steps)*q.Width]
	for from := 0; from < len(steps); from += some {
		to := min(from+some, len(steps))
		f.transpose(b, q.Width, steps[from:to], q.First, q.Cols, from)
	}
	f.drop(q.First, q.Cols)
}

// productCall is one run of a product. What its tasks compute depends neither on how
// many there are nor on who does them.
type productCall struct {
	*product
	rows   rowSource
	m      int // rows of C
	blocks []block
	// A part is some of the tiles of rows. Tasks are numbered part by part, in a part block
	// by block, in a block chunk by chunk of the part's tiles: if there is a part a thread, it
	// reads every weight once; if there is one, threads read different weights.
	tiles  int
	parts  int
	chunks int
}

// rowSource tells where the rows of A lie.
type rowSource interface {
	// locate returns a slice of floats and fills in a table [taps][kernel.Rows] of
	// where, in bytes from its start, the taps of rows [row, row+n) of C begin. What it
	// holds then has a number, 0 if it is not worth one; held is that of the call before,
	// which filled in the same table.
	locate(s *Session, table []int, row, n, held int) (a []float32, holds int)
	// step returns the floats from each row of A to the next, 0 if there is no such number.
	step(s *Session) int
}

// multiply computes rows [0, m) of s.call.dst.
func (p *product) multiply(s *Session, rows rowSource, m int) {
	parts := 1
	if s.byRows(m, len(p.b)) {
		parts = s.threads
	}
	each := parts * p.kernel.Rows
	tiles := (m + each - 1) / each * parts
	blocks := p.blocks(m, len(s.call.src.data)/parts)
	units := parts * len(blocks)
	const read = 16 // rows: to multiply them with weights takes as long as to fetch these
	products := max(m, read) * len(p.b)
	chunks := (s.tasks(products) + units - 1) / units
	if units*chunks%s.threads != 0 {
		chunks = roundUp(chunks, s.threads) // threads get as many
	}
	chunks = min(chunks, (tiles+parts-1)/parts)
	s.product = productCall{p, rows, m, blocks, tiles, parts, chunks}
	s.share(&s.product, units*chunks, products)
}

func (c *productCall) task(s *Session, worker, i int) {
	table := ints(s.scratch(worker))[:c.taps*c.kernel.Rows]
	unit, chunk := i/c.chunks, i%c.chunks
	part, b := unit/len(c.blocks), &c.blocks[unit%len(c.blocks)]
	first, n := c.tiles*part/c.parts, c.tiles*(part+1)/c.parts-c.tiles*part/c.parts
	from, to := first+n*chunk/c.chunks, first+n*(chunk+1)/c.chunks
	row := c.m * from / c.tiles
	active := row
	call := c.newCall(s, table)
	step := c.rows.step(s)
	ahead := c.ahead(s, worker, unit%len(c.blocks), n)
	held := 0
	for next := from; from < to; from = next {
		next = from + 1
		if step > 0 {
			next = c.together(b, c.m, c.tiles, from, to)
		}
		end := c.m * next / c.tiles
		call.Tiles, call.Rows = next-from, (end-row)/(next-from)
		call.ATile = call.Rows * step
		var a []float32
		a, held = c.rows.locate(s, table, row, call.Rows, held)
		c.tile(s, &call, a, row, b, ahead.share(from-first, next-first, n))
		row = end
		active = c.activate(s, b, active, row, next < to)
	}
}

// few is how many floats are too few to be worth a call of an activation. The first-level
// cache has them still.
const few = 2048

// together returns where the tiles end, of [from, to), that one call multiplies with block
// b: they have equally many of the m rows of C.
func (p *product) together(b *block, m, tiles, from, to int) int {
	const products = 1 << 19 // some microseconds, for which the garbage collector may wait
	row, end := m*from/tiles, m*(from+1)/tiles
	rows := end - row
	most := products / (rows * (b.bTo - b.bFrom))
	if floats := rows * (b.to - b.from); !p.clamps {
		most = min(most, (few+floats-1)/floats)
	}
	next := from + 1
	for to = min(to, from+most); next < to; next++ {
		below := m * (next + 1) / tiles
		if below-end != rows {
			break
		}
		end = below
	}
	return next
}

// share is parts [from, to) of n of x.
func share[T any](x []T, from, to, n int) []T {
	if len(x) == 0 {
		return nil
	}
	return x[len(x)*from/n : len(x)*to/n]
}

// newCall is what the calls of a task have in common.
func (p *product) newCall(s *Session, table []int) gemm.Call {
	return gemm.Call{
		Taps: p.taps, K: p.depth, Offsets: table,
		LDC: s.call.dst.pitch, LDR: s.call.arg.pitch, Lo: p.lo, Hi: p.hi,
	}
}

// tile computes a block's columns of the call's tiles, whose rows are those from row on and
// whose A is a, and fetches next meanwhile. activate must follow.
func (p *product) tile(s *Session, call *gemm.Call, a []float32, row int, b *block, next []float32) {
	dst := s.call.dst.data[row*s.call.dst.pitch:]
	arg := s.call.arg.data
	if arg != nil {
		arg = arg[row*s.call.arg.pitch:]
	}
	for i := range b.strips {
		q := &b.strips[i]
		call.Width, call.Panels, call.Cols = q.Width, q.panels, q.last
		call.A, call.AStep = a[q.a:], q.step
		call.B, call.Bias = p.b[q.B:], p.bias[q.Bias:]
		call.C = dst[q.First:]
		if arg != nil {
			call.Residual = arg[q.First:]
		}
		call.Next = next
		if len(b.strips) > 1 {
			call.Next = share(next, i, i+1, len(b.strips))
		}
		p.kernel.Run(call)
	}
}

// activate applies an activation that is more than a clamp to a block's columns of rows
// [from, to), which tile has computed, and returns to; or from, if they are too few to be
// worth it and more are to come.
func (p *product) activate(s *Session, b *block, from, to int, more bool) int {
	if p.clamps || more && (to-from)*(b.to-b.from) < few {
		return from
	}
	d := s.call.dst.rows(from)
	d.Data = d.Data[b.from:]
	eltwise.Act(p.act.kernel(), p.act.Slope, d, d, to-from, b.to-b.from)
	return to
}

// tableFloats is the scratch memory of a table.
func (p *product) tableFloats() int { return 2 * p.taps * p.kernel.Rows }

// ints is scratch memory as a table: an int takes the place of two floats.
func ints(x []float32) []int {
	return unsafe.Slice((*int)(unsafe.Pointer(unsafe.SliceData(x))), len(x)/2)
}
