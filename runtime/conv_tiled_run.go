package runtime

import (
	"unsafe"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/amx"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/eltwise"
)

// tiledCall is one run. What its tasks compute depends neither on how many there are nor on
// who does them.
type tiledCall struct {
	*tiled
	count  int // of positions
	chunks int
	groups int // of panels: a task is a chunk and a group
}

func (t *tiled) run(s *Session) {
	n := t.positions(t.op.Out, s.images)
	c := &s.tiled
	*c = tiledCall{t, n, (n + t.most - 1) / t.most, 1}
	products := s.images * t.op.products()
	switch {
	case !s.worthSharing(products):
	case s.byRows(n, len(t.b)):
		c.chunks = max(c.chunks, min(s.tasks(products), n/leastRows(len(t.b))))
		c.chunks = roundUp(c.chunks, s.threads)
	case c.chunks%s.threads != 0:
		c.groups = min(s.threads, t.panels)
	}
	s.share(c, c.chunks*c.groups, products)
}

// leastRows is how many rows a chunk should have that reads so many weights.
func leastRows(weights int) int {
	const cached = 256 << 10 // weights that the second-level cache keeps for the next chunk
	if weights > cached {
		return 8 * stripRows
	}
	return 2 * stripRows
}

func (c *tiledCall) task(s *Session, worker, i int) {
	chunk, group := i/c.groups, i%c.groups
	first, end := c.count*chunk/c.chunks, c.count*(chunk+1)/c.chunks
	n := end - first
	strips := (n + stripRows - 1) / stripRows
	tile := (n + 2*strips - 1) / (2 * strips)
	rows := 2 * strips * tile

	mem := s.scratch(worker)
	call := amx.Call{
		TileRows: tile, Rows: words(mem[c.rowsAt():])[:rows],
		A: halves(mem[c.partsAt():c.scratch()]), Plane: c.plane(rows), Taps: ints(mem[c.tapsAt():])[:c.op.taps()], Blocks: c.blocks,
		LDC: s.call.dst.pitch, LDR: s.call.arg.pitch, Lo: c.actLo, Hi: c.actHi,
		Sums: mem[:amx.SumsLen],
	}
	c.taps(call.Taps, c.region(rows))
	pixel, pixels := c.pixels(call.Rows, c.op.Out, first, n)
	if pixels == 0 {
		return
	}
	if c.changes {
		c.splitChanged(s, &call, mem[c.changedAt():c.partsAt()], first, n)
	} else {
		c.split(s, &call, first, c.region(rows))
	}
	from, to := c.panels*group/c.groups, c.panels*(group+1)/c.groups
	for p := from; p < to; p++ {
		column := p * amx.Width
		call.B, call.Bias = c.b[p*c.panelLen():], c.bias[column:]
		call.Cols = min(amx.Width, c.op.Out.C-column)
		call.C = s.call.dst.data[column:]
		if s.call.arg.data != nil {
			call.Residual = s.call.arg.data[column:]
		}
		next := c.after(s, worker)
		if p+1 < to {
			next = c.b[(p+1)*c.panelLen():][:c.panelLen()]
		}
		c.multiply(&call, next)
		if !c.actClamps {
			d := eltwise.Rows{Data: call.C[pixel*call.LDC:], Pitch: call.LDC}
			eltwise.Act(c.op.Act.kernel(), c.op.Act.Slope, d, d, pixels, call.Cols)
		}
	}
}

// multiply computes a call, some strips at a time.
func (c *tiledCall) multiply(call *amx.Call, next []uint16) {
	const most = 128 // blocks of strips: some 20 microseconds, for which the garbage collector may wait
	rows, parts := call.Rows, call.A
	strip := 2 * call.TileRows
	step := max(1, most/(len(call.Taps)*c.blocks)) * strip
	for from := 0; from < len(rows); from += step {
		end := min(from+step, len(rows))
		call.Rows, call.A = rows[from:end], parts[from*amx.Depth:]
		call.Next = share(next, from, end, len(rows))
		call.Run()
	}
	call.Rows, call.A = rows, parts
}

// words is scratch memory as numbers of rows.
func words(x []float32) []int32 {
	return unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(x))), len(x))
}

// splitChanged writes the parts of n pixels, from pixel first on, as they are changed.
func (c *tiledCall) splitChanged(s *Session, call *amx.Call, changed []float32, first, n int) {
	job := amx.Split{Dst: call.A, Plane: call.Plane, Src: changed, Pitch: c.change.pitch, K: c.op.In.C}
	for end := first + n; first < end; first += job.Rows {
		job.Rows = min(c.band(), end-first)
		c.read(s, changed, first, job.Rows)
		job.Run()
		job.Dst = job.Dst[job.Rows*amx.Depth:]
	}
}

// split writes the parts of all phases of a chunk, so many positions each, which begins with
// position first.
func (c *tiledCall) split(s *Session, call *amx.Call, first, region int) {
	dst := call.A
	for _, y := range c.y.phases {
		for _, x := range c.x.phases {
			c.splitPhase(s, dst, call.Plane, y, x, first+y.least*c.x.pitch+x.least, region)
			dst = dst[region*amx.Depth:]
		}
	}
}

// splitPhase writes the parts of n positions of a phase, from one on: of pixels, and zeros
// for what is between them.
func (c *tiledCall) splitPhase(s *Session, dst []uint16, plane int, y, x phase, from, n int) {
	op, src := c.op, s.call.src
	for n > 0 {
		row, col := floorDiv(from, c.x.pitch)
		image, line := floorDiv(row, c.y.pitch)
		if image >= 0 && image < s.images && line < y.real && col < x.real {
			at := (image*op.In.H+line*op.Stride.H+y.first)*op.In.W + col*op.Stride.W + x.first
			job := amx.Split{
				Dst: dst, Plane: plane, Src: src.data[at*src.pitch:], Pitch: op.Stride.W * src.pitch,
				Rows: min(x.real-col, n), K: op.In.C,
			}
			if op.oneTap() { // rows and images follow each other
				job.Rows = min(s.images*op.In.Pixels()-from, n)
			}
			job.Run()
			dst, from, n = dst[job.Rows*amx.Depth:], from+job.Rows, n-job.Rows
			continue
		}
		zeros := min(c.x.pitch-col, n) // to the end of the row
		for i := range amx.Parts * c.blocks {
			clear(dst[i*plane:][:zeros*amx.Depth])
		}
		dst, from, n = dst[zeros*amx.Depth:], from+zeros, n-zeros
	}
}
