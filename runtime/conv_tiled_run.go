package runtime

import (
	"unsafe"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/amx"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/eltwise"
)

// tiledCall is one run. What its tasks compute depends neither on how many there are nor on
// who does them.
//
// Positions are dealt out by strips. Where these do not divide among the chunks, the panels
// of one do: so a chunk begins with one strip or with the next, depending on the panel.
type tiledCall struct {
	*tiled
	count  int // of positions
	strips int
	strip  int // positions of a strip
	chunks int
	groups int // of panels: a task is a chunk and a group
}

func (t *tiled) run(s *Session) {
	s.tiled = t.layout(s)
	s.share(&s.tiled, s.tiled.chunks*s.tiled.groups, s.images*t.op.products())
}

// layout is how to share a run.
func (t *tiled) layout(s *Session) tiledCall {
	const least = 6 // strips that are worth reading all weights for
	c := tiledCall{tiled: t, count: t.positions(t.op.Out, s.images), groups: 1}
	c.strips = (c.count + stripRows - 1) / stripRows
	c.strip = 2 * ((c.count + 2*c.strips - 1) / (2 * c.strips))
	c.chunks = chunksOf(c.strips, t.most)
	switch products := s.images * t.op.products(); {
	case !s.worthSharing(products):
	case t.panels >= s.threads && t.byPanels(c.count):
		c.groups = s.threads
	default:
		c.chunks = roundUp(max(c.chunks, min(s.tasks(products), c.strips/least)), s.threads)
	}
	return c
}

// byPanels reports whether threads should divide the weights among them rather than so many
// positions, in which case each of them splits all of the input: about an eighth of the work
// that reading a block of weights is, for each row of a block.
func (t *tiled) byPanels(n int) bool { return n*t.phases() < 8*t.op.taps()*t.panels }

// begins is the strip that a chunk begins with, for a panel.
func (c *tiledCall) begins(chunk, panel int) int {
	return (c.strips*chunk*c.panels/c.chunks + c.panels - 1 - panel) / c.panels
}

// tiledTask is a chunk by a group of panels.
type tiledTask struct {
	*tiledCall
	chunk    int
	from, to int // panels
	first    int // strip of all panels' first
	rows     int // as many positions as its strips have

	call  amx.Call
	parts []uint16
	table []int32 // output pixels of rows, see grid.pixels
}

func (c *tiledCall) task(s *Session, worker, i int) {
	chunk, group := i%c.chunks, i/c.chunks
	mem := s.scratch(worker)
	t := tiledTask{
		tiledCall: c, chunk: chunk,
		from: c.panels * group / c.groups, to: c.panels * (group + 1) / c.groups,
		parts: halves(mem[c.partsAt():c.scratch()]),
	}
	t.first = c.begins(chunk, t.to-1)
	t.rows = (c.begins(chunk+1, t.from) - t.first) * c.strip
	if t.rows == 0 {
		return
	}
	t.table = words(mem[c.rowsAt():])[:t.rows]
	t.call = amx.Call{
		TileRows: c.strip / 2, Plane: c.plane(t.rows), Taps: ints(mem[c.tapsAt():])[:c.op.taps()],
		LDC: s.call.dst.pitch, Sums: mem[:amx.SumsLen],
	}
	c.taps(t.call.Taps, c.region(t.rows))
	c.pixels(t.table, c.op.Out, t.first*c.strip, c.count)
	for block := 0; block < c.blocks; block += c.deep {
		if c.changes {
			t.splitChanged(s, mem[c.changedAt():c.partsAt()])
		} else {
			t.split(s, block)
		}
		t.multiply(s, worker, block)
	}
}

// multiply adds the products of a pass's blocks to the output.
func (t *tiledTask) multiply(s *Session, worker, block int) {
	call, dst := &t.call, &s.call.dst
	call.Blocks = min(t.deep, t.blocks-block)
	call.Lo, call.Hi = t.actLo, t.actHi
	last := block+call.Blocks == t.blocks
	if !last {
		call.Lo, call.Hi, _ = eltwise.None.Bounds()
	}
	residual := &s.call.arg
	if block > 0 {
		residual = dst
	}
	call.LDR = residual.pitch
	for p := t.from; p < t.to; p++ {
		column := p * amx.Width
		call.B, call.Bias = t.weights(p, block), t.bias[column:]
		if block > 0 {
			call.Bias = noBias[:]
		}
		call.Cols = min(amx.Width, t.op.Out.C-column)
		call.C = dst.data[column:]
		if residual.data != nil {
			call.Residual = residual.data[column:]
		}
		var next []uint16
		switch {
		case p+1 < t.to:
			next = t.weights(p+1, block)
		case !last:
			next = t.weights(t.from, block+t.deep)
		default:
			next = t.after(s, worker)
		}
		from, to := t.begins(t.chunk, p), t.begins(t.chunk+1, p)
		if from == to {
			continue
		}
		t.multiplyStrips(from-t.first, to-t.first, next)
		if last && !t.actClamps {
			first, end := t.before(from*t.strip, t.op.Out), t.before(min(to*t.strip, t.count), t.op.Out)
			d := eltwise.Rows{Data: call.C[first*call.LDC:], Pitch: call.LDC}
			eltwise.Act(t.op.Act.kernel(), t.op.Act.Slope, d, d, end-first, call.Cols)
		}
	}
}

var noBias [amx.Width]float32

// weights is what a pass multiplies with, of a panel.
func (t *tiled) weights(panel, block int) []uint16 {
	n := t.op.taps() * min(t.deep, t.blocks-block)
	return t.b[panel*t.panelLen()+block*amx.BlockLen:][:n*amx.BlockLen]
}

// multiplyStrips computes some strips, a few at a time.
func (t *tiledTask) multiplyStrips(first, end int, next []uint16) {
	const most = 128 // blocks of strips: some 20 microseconds, for which the garbage collector may wait
	call := &t.call
	step := max(1, most/(len(call.Taps)*call.Blocks))
	for from := first; from < end; from += step {
		to := min(from+step, end)
		call.Rows, call.A = t.table[from*t.strip:to*t.strip], t.parts[from*t.strip*amx.Depth:]
		call.Next = share(next, from-first, to-first, end-first)
		call.Run()
	}
}

// words is scratch memory as numbers of rows.
func words(x []float32) []int32 {
	return unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(x))), len(x))
}

// splitChanged writes the parts of a task's positions, whose pixels are changed.
func (t *tiledTask) splitChanged(s *Session, changed []float32) {
	job := amx.Split{Dst: t.parts, Plane: t.call.Plane, Src: changed, Pitch: t.change.pitch, K: t.op.In.C}
	from := t.first * t.strip
	for end := min(from+t.rows, t.count); from < end; from += job.Rows {
		job.Rows = min(t.band(), end-from)
		t.read(s, changed, from, job.Rows)
		job.Run()
		job.Dst = job.Dst[job.Rows*amx.Depth:]
	}
}

// split writes the parts of a pass's channels, of all phases of a task's positions.
func (t *tiledTask) split(s *Session, block int) {
	dst, n := t.parts, t.region(t.rows)
	for _, y := range t.y.phases {
		for _, x := range t.x.phases {
			t.splitPhase(s, dst, block, y, x, t.first*t.strip+y.least*t.x.pitch+x.least, n)
			dst = dst[n*amx.Depth:]
		}
	}
}

// splitPhase writes the parts of n positions of a phase, from one on: of pixels, and zeros
// for what is between them.
func (t *tiledTask) splitPhase(s *Session, dst []uint16, block int, y, x phase, from, n int) {
	op, src, plane := t.op, s.call.src, t.call.Plane
	channel := block * amx.Depth
	channels := min(t.deep*amx.Depth, op.In.C-channel)
	for n > 0 {
		row, col := floorDiv(from, t.x.pitch)
		image, line := floorDiv(row, t.y.pitch)
		if image >= 0 && image < s.images && line < y.real && col < x.real {
			at := (image*op.In.H+line*op.Stride.H+y.first)*op.In.W + col*op.Stride.W + x.first
			job := amx.Split{
				Dst: dst, Plane: plane, Src: src.data[at*src.pitch+channel:], Pitch: op.Stride.W * src.pitch,
				Rows: min(x.real-col, n), K: channels,
			}
			if op.oneTap() { // rows and images follow each other
				job.Rows = min(s.images*op.In.Pixels()-from, n)
			}
			job.Run()
			dst, from, n = dst[job.Rows*amx.Depth:], from+job.Rows, n-job.Rows
			continue
		}
		zeros := min(t.x.pitch-col, n) // to the end of the row
		for i := range amx.Parts * ((channels + amx.Depth - 1) / amx.Depth) {
			clear(dst[i*plane:][:zeros*amx.Depth])
		}
		dst, from, n = dst[zeros*amx.Depth:], from+zeros, n-zeros
	}
}
