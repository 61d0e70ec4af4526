package runtime

import (
	"unsafe"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/amx"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/eltwise"
)

// tiled is the algorithm Direct for 1x1 convolutions on processors with AMX.
//
// A task takes a chunk of pixels, writes their parts to scratch memory, as many as the
// second-level cache has room for, and multiplies them with one panel of the weights after
// the other. So a chunk reads every weight once.
type tiled struct {
	change
	changes bool // otherwise pixels are read from the arena as they are

	blocks int // of input channels
	panels int // of output channels
	most   int // pixels of a chunk: whole strips

	b    []uint16 // [panels][blocks] blocks of weights
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
	if op.Kernel != (Size{1, 1}) || op.Pad != (Padding{}) || op.Groups > 1 {
		return false
	}
	blocks := float64((op.In.C + amx.Depth - 1) / amx.Depth)
	panels := float64((op.Out.C + amx.Width - 1) / amx.Width)
	bytes := 2 * amx.BlockLen * blocks * panels / float64(op.Out.Pixels())
	tiles := max(perProduct*blocks*panels, perByte*bytes) + perBlock*blocks + perPanel*panels
	vectors := 1.1 * float64(op.In.C*roundUp(op.Out.C, 16)) / 32
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
	perRow := 2 * amx.Parts * amx.Depth * t.blocks // bytes
	t.most = max(stripRows, chunkBytes/perRow/stripRows*stripRows)
	if t.actLo, t.actHi, t.actClamps = op.Act.kernel().Bounds(); !t.actClamps {
		t.actLo, t.actHi, _ = eltwise.None.Bounds()
	}
	return t
}

// plane is the elements of a plane of a chunk of so many rows: an odd number of lines, so that
// planes fall into different sets of the first-level cache.
func (t *tiled) plane(rows int) int { return amx.Depth * (rows | 1) }

// In scratch memory lie, in floats: the sums of a strip, the table of rows, pixels that are
// changed, and the parts of a chunk.
func (t *tiled) rowsAt() int    { return amx.SumsLen }
func (t *tiled) changedAt() int { return t.rowsAt() + roundUp(t.most, lineFloats) }
func (t *tiled) partsAt() int   { return t.changedAt() + t.band()*t.pitch }
func (t *tiled) scratch() int {
	return t.partsAt() + amx.Parts*t.blocks*t.plane(t.most)/2
}

// band is how many pixels are changed at a time.
func (t *tiled) band() int {
	if !t.changes {
		return 0
	}
	return max(1, changedFloats/t.pitch)
}

func (t *tiled) zeros() int { return 0 }

// panelLen is the elements of a panel of weights.
func (t *tiled) panelLen() int { return t.blocks * amx.BlockLen }

func (t *tiled) packed() int {
	return packedFloats(t.panels*t.panelLen()/2, t.panels*amx.Width)
}

func (t *tiled) pack(f *filter) {
	t.b, t.bias = halves(f.floats(t.panels*t.panelLen()/2)), f.floats(t.panels*amx.Width)
	copy(t.bias, f.bias)
	f.inParallel(t.panels, func(from, to int) {
		block := make([]float32, someBlocks*amx.Depth*amx.Width)
		for p := from; p < to; p++ {
			t.packPanel(p, f, block)
		}
	})
	t.change.pack(f)
}

// someBlocks are packed at a time.
const someBlocks = 8

func (t *tiled) packPanel(p int, f *filter, w []float32) {
	const (
		half = amx.Width / 2
		size = amx.Depth * amx.Width
	)
	first := p * amx.Width
	n := min(amx.Width, t.op.Out.C-first)
	b := t.b[p*t.panelLen():]
	var order [someBlocks * amx.Depth]int
	for k := 0; k < t.op.In.C; k += len(order) {
		depth := min(len(order), t.op.In.C-k)
		if n < amx.Width || depth < len(order) {
			clear(w)
		}
		for h := 0; h*half < n; h++ {
			for i := range depth {
				order[i] = i/amx.Depth*size/half + amx.WeightPlace(i%amx.Depth, h)
			}
			f.transpose(w, half, order[:depth], first+h*half, min(half, n-h*half), k)
		}
		for ; depth > 0; depth -= amx.Depth {
			amx.PackBlock(b, w[(min(len(order), t.op.In.C-k)-depth+amx.Depth-1)/amx.Depth*size:][:size])
			b = b[amx.BlockLen:]
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
	m      int // pixels
	chunks int
	groups int // of panels: a task is a chunk and a group
}

func (t *tiled) run(s *Session) {
	m := s.images * t.op.Out.Pixels()
	c := &s.tiled
	*c = tiledCall{t, m, (m + t.most - 1) / t.most, 1}
	products := m * t.op.In.C * t.op.Out.C
	switch {
	case !s.worthSharing(products):
	case s.byRows(m, len(t.b)):
		c.chunks = max(c.chunks, min(s.tasks(products), m/leastRows(len(t.b))))
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
	first, end := c.m*chunk/c.chunks, c.m*(chunk+1)/c.chunks
	n := end - first
	strips := (n + stripRows - 1) / stripRows
	tile := (n + 2*strips - 1) / (2 * strips)

	mem := s.scratch(worker)
	call := amx.Call{
		TileRows: tile, Rows: words(mem[c.rowsAt():])[:2*strips*tile],
		A: halves(mem[c.partsAt():c.scratch()]), Plane: c.plane(2 * strips * tile), Taps: oneTap[:], Blocks: c.blocks,
		LDC: s.call.dst.pitch, LDR: s.call.arg.pitch, Lo: c.actLo, Hi: c.actHi,
		Sums: mem[:amx.SumsLen],
	}
	for r := range call.Rows {
		call.Rows[r] = -1
		if r < n {
			call.Rows[r] = int32(r)
		}
	}
	c.split(s, &call, mem[c.changedAt():c.partsAt()], first, n)
	dst, arg := s.call.dst.data[first*s.call.dst.pitch:], s.call.arg.data
	if arg != nil {
		arg = arg[first*s.call.arg.pitch:]
	}
	from, to := c.panels*group/c.groups, c.panels*(group+1)/c.groups
	for p := from; p < to; p++ {
		column := p * amx.Width
		call.B, call.Bias = c.b[p*c.panelLen():], c.bias[column:]
		call.Cols = min(amx.Width, c.op.Out.C-column)
		call.C = dst[column:]
		if arg != nil {
			call.Residual = arg[column:]
		}
		if p+1 < to {
			call.Next = c.b[(p+1)*c.panelLen():][:c.panelLen()]
		} else {
			call.Next = c.after(s, worker)
		}
		call.Run()
		if !c.actClamps {
			d := eltwise.Rows{Data: call.C, Pitch: call.LDC}
			eltwise.Act(c.op.Act.kernel(), c.op.Act.Slope, d, d, n, call.Cols)
		}
	}
}

// oneTap is where the only tap begins.
var oneTap = [1]int{0}

// words is scratch memory as numbers of rows.
func words(x []float32) []int32 {
	return unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(x))), len(x))
}

// split writes the parts of n pixels, from output pixel first on.
func (c *tiledCall) split(s *Session, call *amx.Call, changed []float32, first, n int) {
	op, src := c.op, s.call.src
	job := amx.Split{Dst: call.A, Plane: call.Plane, K: op.In.C}
	for end := first + n; first < end; first += job.Rows {
		switch {
		case c.changes:
			job.Rows = min(c.band(), end-first)
			c.read(s, changed, first, job.Rows)
			job.Src, job.Pitch = changed, c.pitch
		case op.oneTap():
			job.Rows = end - first
			job.Src, job.Pitch = src.data[first*src.pitch:], src.pitch
		default: // every so many pixels of every so many rows
			row, x := first/op.Out.W, first%op.Out.W
			job.Rows = min(op.Out.W-x, end-first)
			at := (row/op.Out.H*op.In.H+row%op.Out.H*op.Stride.H)*op.In.W + x*op.Stride.W
			job.Src, job.Pitch = src.data[at*src.pitch:], op.Stride.W*src.pitch
		}
		job.Run()
		job.Dst = job.Dst[job.Rows*amx.Depth:]
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
	other.op = op
	return &other
}
