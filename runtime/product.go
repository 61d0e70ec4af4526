package runtime

import (
	goruntime "runtime"
	"sync"
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
// read from memory once, while there is something to compute. Nobody fetches the first
// block, which should therefore be small; but A is read once a block, so that blocks
// should be large if A does not stay in the second-level cache.
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
	p.single = p.cut(size/fineBlock, rowPanels)
	p.fine = p.cut(size/fineBlock, 1)
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

// pack takes the weights over. at returns the place of tap t, input i of a group in an
// output channel's weights.
func (p *product) pack(f *filter, at func(t, i int) int) {
	last := p.panels[len(p.panels)-1]
	p.b = f.memory.floats((last.Bias + last.Width) * p.taps * p.depth)
	p.bias = f.memory.floats(last.Bias + last.Width)
	steps := make([]int, p.taps*p.depth) // of the product, in the filter's order
	for t := range p.taps {
		for i := range p.depth {
			steps[at(t, i)] = t*p.depth + i
		}
	}
	inParallel(len(p.panels), func(from, to int) {
		for _, q := range p.panels[from:to] {
			p.packPanel(q, f, steps)
		}
	})
}

// packPanel packs a panel, a few weights of each of its channels at a time: as much as
// the first-level cache holds.
func (p *product) packPanel(q panel, f *filter, steps []int) {
	copy(p.bias[q.Bias:], f.bias[q.First:][:q.Cols])
	b := p.b[q.B:][:len(steps)*q.Width]
	var buf [128]float32
	for from := 0; from < len(steps); from += len(buf) {
		to := min(from+len(buf), len(steps))
		for j := range q.Cols {
			w := f.channel(q.First+j, from, to, buf[:])
			for i, step := range steps[from:to] {
				b[step*q.Width+j] = w[i]
			}
		}
	}
}

// inParallel calls f for consecutive parts of [0, n) from several goroutines.
func inParallel(n int, f func(from, to int)) {
	var wg sync.WaitGroup
	workers := min(n, goruntime.GOMAXPROCS(0))
	for w := range workers {
		wg.Go(func() { f(n*w/workers, n*(w+1)/workers) })
	}
	wg.Wait()
}

// productCall is one run of a product. What its tasks compute depends neither on how
// many there are nor on who does them.
type productCall struct {
	*product
	rows   rowSource
	m      int // rows of C
	blocks []block
	// Tasks are chunks of row tiles. Either a task computes all blocks of its rows, or,
	// if byBlock, one: then tasks of the same block follow each other.
	tiles   int
	chunks  int
	byBlock bool
}

// rowSource tells where the rows of A lie.
type rowSource interface {
	// locate returns a slice of floats and fills in a table [taps][kernel.Rows] of
	// where, in bytes from its start, the taps of rows [row, row+n) of C begin. What it
	// holds then has a number, 0 if it is not worth one; held is that of the call before,
	// which filled in the same table.
	locate(s *Session, table []int, row, n, held int) (a []float32, holds int)
}

// multiply computes rows [0, m) of s.call.dst.
func (p *product) multiply(s *Session, rows rowSource, m int) {
	c := &s.product
	a := len(s.call.src.data)
	*c = productCall{product: p, rows: rows, m: m, blocks: p.blocks(m, a), tiles: (m + p.kernel.Rows - 1) / p.kernel.Rows}
	blocks := len(c.blocks)
	c.byBlock = blocks > 1 && len(p.b) > a
	tasks := p.tasks(s, m)
	if c.byBlock {
		c.chunks = min(c.tiles, (tasks+blocks-1)/blocks)
		tasks = c.chunks * blocks
	} else {
		c.chunks = min(c.tiles, tasks)
		tasks = c.chunks
	}
	s.run(c, tasks)
}

// tasks is into how many tasks to divide m rows of C.
func (p *product) tasks(s *Session, m int) int {
	if s.threads == 1 {
		return 1
	}
	const (
		each  = 4       // tasks a thread: what is left over at the end is small
		least = 1 << 17 // multiply-adds a task: about a microsecond
	)
	return max(1, min(each*s.threads, m*len(p.b)/least))
}

func (c *productCall) task(s *Session, worker, i int) {
	table := ints(s.scratch(worker))[:c.taps*c.kernel.Rows]
	chunk, blocks := i, c.blocks
	if c.byBlock {
		chunk, blocks = i%c.chunks, c.blocks[i/c.chunks:][:1]
	}
	from, to := c.tiles*chunk/c.chunks, c.tiles*(chunk+1)/c.chunks
	first := c.m * from / c.tiles
	call := c.newCall(s, table)
	held := 0
	var a []float32
	for i := range blocks {
		next := c.after(&blocks[i])
		row, active := first, first
		for tile := from; tile < to; tile++ {
			end := c.m * (tile + 1) / c.tiles
			call.Rows = end - row
			a, held = c.rows.locate(s, table, row, call.Rows, held)
			c.tile(s, &call, a, row, &blocks[i], share(next, tile-from, tile-from+1, to-from))
			row = end
			active = c.activate(s, &blocks[i], active, row, tile+1 < to)
		}
	}
}

// after is the weights that follow a block's: about as many, or none.
func (p *product) after(b *block) []float32 {
	return p.b[b.bTo:min(len(p.b), 2*b.bTo-b.bFrom)]
}

// share is parts [from, to) of n of x.
func share(x []float32, from, to, n int) []float32 {
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

// tile computes a block's columns of call.Rows rows from row on, whose A is a, and
// fetches next meanwhile. activate must follow.
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
	const few = 2048 // floats; the first-level cache has them still
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
