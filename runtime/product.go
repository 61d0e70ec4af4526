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
// read from memory once, while there is something to compute.
type product struct {
	kernel *gemm.Kernel
	taps   int // of A a row of C
	depth  int // floats of A a tap
	panels []panel
	blocks []int // block i is panels[blocks[i]:blocks[i+1]]
	b      []float32
	bias   []float32
	act    Act
}

// panel is some columns of C.
type panel struct {
	gemm.Panel
	a   int // first input channel: groups begin at different ones
	end int // panels up to here can be computed by one call
}

// blockFloats is how much of B is meant to stay in the second-level cache.
const blockFloats = 96 << 10

// newProduct lays out a product without its weights: cols columns of C a group.
func newProduct(isa cpu.ISA, taps, depth, groups, cols int, act Act) product {
	k := gemm.For(isa)
	p := product{kernel: k, taps: taps, depth: depth, act: act}
	group := k.Panels(cols, taps*depth)
	last := group[len(group)-1]
	width := last.Bias + last.Width // packed columns of a group
	for g := range groups {
		for _, q := range group {
			q.First += g * cols
			q.B += g * width * taps * depth
			q.Bias += g * width
			p.panels = append(p.panels, panel{Panel: q, a: g * depth})
		}
	}
	for i := len(p.panels) - 1; i >= 0; i-- {
		q := &p.panels[i]
		q.end = i + 1
		if q.end < len(p.panels) && p.joins(i) {
			q.end = p.panels[q.end].end
		}
	}
	n := max(1, groups*width*taps*depth/blockFloats)
	n = min(n, len(p.panels))
	for i := range n + 1 {
		p.blocks = append(p.blocks, len(p.panels)*i/n)
	}
	return p
}

// joins reports whether panel i and those that one call computes from i+1 on can be
// computed by one call: all but the last are full, and A moves by the same step.
func (p *product) joins(i int) bool {
	q, r := &p.panels[i], &p.panels[i+1]
	if q.Width != r.Width || q.Cols != q.Width {
		return false
	}
	return r.end == i+2 || r.a-q.a == p.panels[i+2].a-r.a
}

// pack takes the weights over. at returns the place of tap t, input i of a group in an
// output channel's weights.
func (p *product) pack(f *filter, at func(t, i int) int) {
	last := p.panels[len(p.panels)-1]
	k := p.taps * p.depth
	p.b = alignedFloats((last.Bias + last.Width) * k)
	p.bias = alignedFloats(last.Bias + last.Width)
	place := make([]int, 0, k)
	for t := range p.taps {
		for i := range p.depth {
			place = append(place, at(t, i))
		}
	}
	inParallel(len(p.panels), func(i int) {
		q := p.panels[i]
		buf := make([]float32, f.rowLen())
		b := p.b[q.B:][:k*q.Width]
		for j := range q.Cols {
			p.bias[q.Bias+j] = f.bias[q.First+j]
			row := f.row(q.First+j, buf)
			for n, from := range place {
				b[n*q.Width+j] = row[from]
			}
		}
	})
}

// inParallel calls f for 0 <= i < n from several goroutines.
func inParallel(n int, f func(i int)) {
	var wg sync.WaitGroup
	workers := min(n, goruntime.GOMAXPROCS(0))
	for w := range workers {
		wg.Go(func() {
			for i := n * w / workers; i < n*(w+1)/workers; i++ {
				f(i)
			}
		})
	}
	wg.Wait()
}

// productCall is one run of a product: its tasks are the same for all threads.
type productCall struct {
	*product
	rows rowSource
	m    int // rows of C
	// Tasks are chunks of row tiles. Either a task computes all blocks of its rows, or,
	// if byBlock, one: then tasks of the same block follow each other.
	tiles   int
	chunks  int
	byBlock bool
}

// rowSource tells where the rows of A lie.
type rowSource interface {
	// locate returns a slice of floats and fills in a table [taps][kernel.Rows] of
	// where, in bytes from its start, the taps of rows [row, row+n) of C begin.
	locate(s *Session, table []int, row, n int) []float32
}

// multiply computes rows [0, m) of s.call.dst.
func (p *product) multiply(s *Session, rows rowSource, m int) {
	c := productCall{product: p, rows: rows, m: m, tiles: (m + p.kernel.Rows - 1) / p.kernel.Rows}
	blocks := len(p.blocks) - 1
	c.byBlock = blocks > 1 && len(p.b) > len(s.call.src.data)
	tasks := 1
	if s.threads > 1 {
		const each = 4 // tasks a thread: what is left over at the end is small
		tasks = each * s.threads
	}
	if c.byBlock {
		c.chunks = min(c.tiles, (tasks+blocks-1)/blocks)
		tasks = c.chunks * blocks
	} else {
		c.chunks = min(c.tiles, tasks)
		tasks = c.chunks
	}
	s.product = c
	s.run(&s.product, tasks)
}

func (c *productCall) task(s *Session, worker, i int) {
	table := ints(s.scratch(worker))[:c.taps*c.kernel.Rows]
	chunk, block, blocks := i, 0, len(c.blocks)-1
	if c.byBlock {
		chunk, block, blocks = i%c.chunks, i/c.chunks, i/c.chunks+1
	}
	from, to := c.tiles*chunk/c.chunks, c.tiles*(chunk+1)/c.chunks
	for ; block < blocks; block++ {
		next := c.blockB(block + 1)
		for tile := from; tile < to; tile++ {
			row := c.m * tile / c.tiles
			n := c.m*(tile+1)/c.tiles - row
			a := c.rows.locate(s, table, row, n)
			c.tile(s, a, table, row, n, block, share(next, tile-from, to-from))
		}
	}
}

// blockB is the weights of a block; none if there is no such block.
func (p *product) blockB(block int) []float32 {
	if block >= len(p.blocks)-1 {
		return nil
	}
	first, last := p.panels[p.blocks[block]], p.panels[p.blocks[block+1]-1]
	return p.b[first.B : last.B+last.Width*p.taps*p.depth]
}

// share is part i of n of x.
func share(x []float32, i, n int) []float32 { return x[len(x)*i/n : len(x)*(i+1)/n] }

// tile computes rows [row, row+n) of a block's columns. next is fetched meanwhile.
func (p *product) tile(s *Session, a []float32, table []int, row, n, block int, next []float32) {
	dst, arg := s.call.dst, s.call.arg
	lo, hi, clamps := p.act.kernel().Bounds()
	if !clamps {
		lo, hi, _ = eltwise.None.Bounds()
	}
	c := gemm.Call{
		Rows: n, Taps: p.taps, K: p.depth, Offsets: table,
		LDC: dst.pitch, LDR: arg.pitch, Lo: lo, Hi: hi,
	}
	from, to := p.blocks[block], p.blocks[block+1]
	for i := from; i < to; {
		q := &p.panels[i]
		end := min(q.end, to)
		c.Width, c.Panels, c.Cols = q.Width, end-i, p.panels[end-1].Cols
		c.A, c.AStep = a[q.a:], 0
		if c.Panels > 1 {
			c.AStep = p.panels[i+1].a - q.a
		}
		c.B, c.Bias = p.b[q.B:], p.bias[q.Bias:]
		c.C = dst.data[row*dst.pitch+q.First:]
		if arg.data != nil {
			c.Residual = arg.data[row*arg.pitch+q.First:]
		}
		c.Next = next[len(next)*(i-from)/(to-from) : len(next)*(end-from)/(to-from)]
		p.kernel.Run(&c)
		i = end
	}
	if !clamps {
		first, last := &p.panels[from], &p.panels[to-1]
		d := dst.rows(row)
		d.Data = d.Data[first.First:]
		eltwise.Act(p.act.kernel(), p.act.Slope, d, d, n, last.First+last.Cols-first.First)
	}
}

// tableFloats is the scratch memory of a table.
func (p *product) tableFloats() int { return 2 * p.taps * p.kernel.Rows }

// ints is scratch memory as a table: an int takes the place of two floats.
func ints(x []float32) []int {
	return unsafe.Slice((*int)(unsafe.Pointer(unsafe.SliceData(x))), len(x)/2)
}
