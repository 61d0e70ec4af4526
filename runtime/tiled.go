package runtime

import (
	"unsafe"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/amx"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/eltwise"
)

// tiled is the algorithm Direct on processors with AMX, for convolutions of one group.
//
// A task takes a chunk of positions of the grid, writes the parts of what they read to
// scratch memory, as much as the second-level cache has room for, and multiplies them with
// one panel of the weights after the other. So a chunk reads every weight once.
type tiled struct {
	change
	grid
	changes bool // otherwise pixels are read from the arena as they are

	blocks int // of input channels
	panels int // of output channels
	most   int // positions of a chunk: whole strips

	b    []uint16 // [panels][taps][blocks] blocks of weights
	bias []float32

	actLo, actHi float32
	actClamps    bool // the bounds are all of the activation

	then []algorithm // the layers that follow, up to the next product
}

// chunkBytes is about as much as the parts of a chunk may take.
const chunkBytes = 1280 << 10

// stripRows is the most rows of a strip.
const stripRows = 2 * amx.TileRows

// tilesPay estimates whether AMX computes a convolution faster than vectors do, from cycles
// a pixel that were measured on whole layers.
func (op *Conv) tilesPay() bool {
	const (
		perProduct = 18  // cycles for a row's share of a panel and a block
		perBlock   = 21  // to read its channels and write their parts
		perPanel   = 6   // to store it
		perByte    = 0.4 // of weights, which pixels share, while products are computed
		gain       = 0.9 // of the vectors' time, or it is not worth the larger weights
	)
	if op.Groups > 1 {
		return false
	}
	g := newGrid(op)
	blocks := float64((op.In.C + amx.Depth - 1) / amx.Depth)
	panels := float64((op.Out.C + amx.Width - 1) / amx.Width)
	taps, pixels := float64(op.Kernel.H*op.Kernel.W), float64(op.Out.Pixels())
	inVain := float64(g.positions(op.Out, 1)) / pixels
	products := inVain * perProduct * taps * blocks * panels
	weights := perByte * 2 * amx.BlockLen * taps * blocks * panels / pixels
	tiles := max(products, weights) + inVain*(perBlock*float64(g.phases())*blocks+perPanel*panels)
	vectors := 1.1 * taps * float64(op.In.C*roundUp(op.Out.C, 16)) / 32
	return tiles < gain*vectors
}

func newTiled(op *Conv) *tiled {
	t := &tiled{
		blocks: (op.In.C + amx.Depth - 1) / amx.Depth,
		panels: (op.Out.C + amx.Width - 1) / amx.Width,
	}
	t.op = op
	if t.changes = op.changesInput(); t.changes {
		t.change = newChange(op)
	}
	t.grid = newGrid(op)
	perRow := 2 * amx.Parts * amx.Depth * t.blocks // bytes
	most := chunkBytes/perRow/t.phases() - t.span()
	t.most = max(stripRows, most/stripRows*stripRows)
	if t.actLo, t.actHi, t.actClamps = op.Act.kernel().Bounds(); !t.actClamps {
		t.actLo, t.actHi, _ = eltwise.None.Bounds()
	}
	return t
}

// region is how many positions each phase of a chunk of so many rows has.
func (t *tiled) region(rows int) int { return rows + t.span() }

// plane is the elements of a plane of a chunk of so many rows: an odd number of lines, so that
// planes fall into different sets of the first-level cache.
func (t *tiled) plane(rows int) int { return amx.Depth * (t.phases()*t.region(rows) | 1) }

// taps is how many there are.
func (op *Conv) taps() int { return op.Kernel.H * op.Kernel.W }

// In scratch memory lie, in floats: the sums of a strip, the table of taps, that of rows,
// pixels that are changed, and the parts of a chunk.
func (t *tiled) tapsAt() int    { return amx.SumsLen }
func (t *tiled) rowsAt() int    { return t.tapsAt() + roundUp(2*t.op.taps(), lineFloats) }
func (t *tiled) changedAt() int { return t.rowsAt() + roundUp(t.most, lineFloats) }
func (t *tiled) partsAt() int   { return t.changedAt() + t.band()*t.change.pitch }
func (t *tiled) scratch() int {
	return t.partsAt() + amx.Parts*t.blocks*t.plane(t.most)/2
}

// band is how many pixels are changed at a time.
func (t *tiled) band() int {
	if !t.changes {
		return 0
	}
	return max(1, changedFloats/t.change.pitch)
}

func (t *tiled) zeros() int { return 0 }

// panelLen is the elements of a panel of weights.
func (t *tiled) panelLen() int { return t.op.taps() * t.blocks * amx.BlockLen }

func (t *tiled) packed() int {
	return packedFloats(t.panels*t.panelLen()/2, t.panels*amx.Width)
}

func (t *tiled) pack(f *filter) {
	t.b, t.bias = halves(f.floats(t.panels*t.panelLen()/2)), f.floats(t.panels*amx.Width)
	copy(t.bias, f.bias)
	f.inParallel(t.panels, func(from, to int) {
		var w panelWeights
		for p := from; p < to; p++ {
			t.packPanel(p, f, &w)
		}
	})
	t.change.pack(f)
}

// panelWeights is memory for some weights of a panel.
type panelWeights struct {
	blocks []float32 // [taps][some blocks]: what PackBlock takes
	order  []int
}

func (t *tiled) packPanel(p int, f *filter, w *panelWeights) {
	const (
		half = amx.Width / 2
		size = amx.Depth * amx.Width
		most = 8 // blocks at a time, of all taps
	)
	taps := t.op.taps()
	some := max(1, most/taps)
	if w.blocks == nil {
		w.blocks, w.order = make([]float32, taps*some*size), make([]int, taps*some*amx.Depth)
	}
	first := p * amx.Width
	n := min(amx.Width, t.op.Out.C-first)
	for block := 0; block < t.blocks; block += some {
		from := block * amx.Depth
		depth := min(some*amx.Depth, t.op.In.C-from)
		if n < amx.Width || depth < some*amx.Depth {
			clear(w.blocks)
		}
		order := w.order[:depth*taps]
		for h := 0; h*half < n; h++ {
			for i := range order {
				k, tap := i/taps, i%taps
				order[i] = (tap*some+k/amx.Depth)*size/half + amx.WeightPlace(k%amx.Depth, h)
			}
			f.transpose(w.blocks, half, order, first+h*half, min(half, n-h*half), from*taps)
		}
		for tap := range taps {
			to := t.b[p*t.panelLen()+(tap*t.blocks+block)*amx.BlockLen:]
			for i := range min(some, t.blocks-block) {
				amx.PackBlock(to[i*amx.BlockLen:], w.blocks[(tap*some+i)*size:][:size])
			}
		}
	}
	f.drop(first, n)
}

// halves is memory of floats for numbers half as large.
func halves(x []float32) []uint16 {
	return unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(x))), 2*len(x))
}

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

func (t *tiled) leads(next algorithm) { t.then = append(t.then, next) }

// after is the weights that the next layer begins with.
func (t *tiled) after(s *Session, worker int) []uint16 {
	if len(t.then) == 0 {
		return nil
	}
	const most = 32 << 10 // floats
	next := t.then[0].first(s, worker)
	return halves(next[:min(most, len(next))])
}

func (t *tiled) first(*Session, int) []float32 {
	n := t.panelLen()
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(t.b))), n/2)
}

func (t *tiled) resized(op *Conv) algorithm {
	other := *t
	other.op, other.grid = op, newGrid(op)
	return &other
}
