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
// one panel of the weights after the other. So a chunk reads every weight once. Where
// chunks would be small, they have all positions but some of the channels at a time: in
// several passes, whose sums the output holds in between.
type tiled struct {
	change
	grid
	changes bool // otherwise pixels are read from the arena as they are

	blocks int // of input channels
	panels int // of output channels
	deep   int // blocks of a pass
	most   int // strips of a chunk

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
	if op.Algo != Direct || op.Groups > 1 {
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
	t.deep, t.most = t.pass(1), t.room(t.pass(1))
	if op.oneTap() && !t.changes {
		t.choosePasses()
	}
	if t.actLo, t.actHi, t.actClamps = op.Act.kernel().Bounds(); !t.actClamps {
		t.actLo, t.actHi, _ = eltwise.None.Bounds()
	}
	return t
}

// pass is how many blocks each of so many passes has.
func (t *tiled) pass(passes int) int { return (t.blocks + passes - 1) / passes }

// room is how many strips the parts of so many blocks have room for.
func (t *tiled) room(blocks int) int {
	perRow := 2 * amx.Parts * amx.Depth * blocks // bytes
	return max(2, (chunkBytes/perRow/t.phases()-t.span())/stripRows)
}

// choosePasses makes the positions of an image a single chunk, if sums of several passes
// would stay in the second-level cache.
func (t *tiled) choosePasses() {
	const most = 96 << 10 // floats
	n := t.positions(t.op.Out, 1)
	if n*t.op.Out.C > most {
		return
	}
	strips := (n + stripRows - 1) / stripRows
	for passes := 1; t.most < strips && t.deep > 1; passes++ {
		t.deep, t.most = t.pass(passes), t.room(t.pass(passes))
	}
}

// chunksOf is into how many chunks to cut so many strips, of which one has room for most.
func chunksOf(strips, most int) int {
	if strips <= most {
		return 1
	}
	return (strips + most - 2) / (most - 1) // a chunk may get a strip more
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
func (t *tiled) changedAt() int { return t.rowsAt() + roundUp(t.most*stripRows, lineFloats) }
func (t *tiled) partsAt() int   { return t.changedAt() + t.band()*t.change.pitch }
func (t *tiled) scratch() int {
	return t.partsAt() + amx.Parts*t.deep*t.plane(t.most*stripRows)/2
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

func (t *tiled) first(s *Session, worker int) []float32 {
	c := t.layout(s)
	group := s.begins(worker, c.chunks*c.groups) / c.chunks
	w := t.weights(t.panels*group/c.groups, 0)
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(w))), len(w)/2)
}

func (t *tiled) resized(op *Conv) algorithm {
	other := *t
	other.op, other.grid = op, newGrid(op)
	return &other
}
