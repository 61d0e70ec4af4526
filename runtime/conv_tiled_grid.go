package runtime

// grid numbers the output pixels of all images such that each tap of a kernel reads, for
// pixels that follow each other, input pixels that do so, too: with room between rows and
// between images for the zeros around them, which a row shares with the next. With a stride,
// every so many rows and columns are a phase, a map of their own.
//
// So the rows of a tile are consecutive positions, some of which are no pixels and are
// computed in vain; and a tap is a phase and a shift.
type grid struct{ y, x gridAxis }

// gridAxis is one of a grid's two.
type gridAxis struct {
	pitch  int // from a row or an image to the next
	span   int // most between the shifts of a phase
	phases []phase
	taps   []axisTap
}

type phase struct {
	first int // of the input
	real  int // how many there are; zeros follow
	least int // of the shifts
}

type axisTap struct{ phase, shift int }

func newGrid(op *Conv) grid {
	return grid{
		newGridAxis(op.In.H, op.Out.H, op.Kernel.H, op.Stride.H, op.Dilation.H, op.Pad.Top),
		newGridAxis(op.In.W, op.Out.W, op.Kernel.W, op.Stride.W, op.Dilation.W, op.Pad.Left),
	}
}

func newGridAxis(in, out, kernel, stride, dilation, pad int) gridAxis {
	a := gridAxis{span: (kernel - 1) * dilation / stride}
	of := make([]int, stride) // phases that begin there, plus 1
	for k := range kernel {
		at := k*dilation - pad
		first := (at%stride + stride) % stride
		shift := (at - first) / stride
		if of[first] == 0 {
			a.phases = append(a.phases, phase{first: first, least: shift})
			of[first] = len(a.phases)
		}
		a.taps = append(a.taps, axisTap{of[first] - 1, shift})
	}
	before := max(0, -a.taps[0].shift)
	end := out + a.taps[kernel-1].shift // of what taps read
	a.pitch = out
	for i := range a.phases {
		p := &a.phases[i]
		p.real = max(0, min((in-p.first+stride-1)/stride, end))
		a.pitch = max(a.pitch, p.real+max(before, end-p.real))
	}
	return a
}

// phases is how many there are.
func (g *grid) phases() int { return len(g.y.phases) * len(g.x.phases) }

// span is how many positions more than a chunk has each phase of it has.
func (g *grid) span() int { return g.y.span*g.x.pitch + g.x.span }

// positions is how many there are for so many images.
func (g *grid) positions(out Shape, images int) int {
	return ((images-1)*g.y.pitch+out.H-1)*g.x.pitch + out.W
}

// taps fills in where taps begin in the parts of a chunk, whose phases have so many positions
// each.
func (g *grid) taps(table []int, region int) {
	for i, ty := range g.y.taps {
		py := &g.y.phases[ty.phase]
		for j, tx := range g.x.taps {
			px := &g.x.phases[tx.phase]
			table[i*len(g.x.taps)+j] = (ty.phase*len(g.x.phases)+tx.phase)*region +
				(ty.shift-py.least)*g.x.pitch + tx.shift - px.least
		}
	}
}

// pixels fills in which output pixel each position is, from first on, -1 for none, as there
// are none from count on.
func (g *grid) pixels(table []int32, out Shape, first, count int) {
	row, x := first/g.x.pitch, first%g.x.pitch
	image, y := row/g.y.pitch, row%g.y.pitch
	for i := range table {
		table[i] = -1
		if first+i < count && y < out.H && x < out.W {
			table[i] = int32((image*out.H+y)*out.W + x)
		}
		if x++; x == g.x.pitch {
			x = 0
			if y++; y == g.y.pitch {
				y = 0
				image++
			}
		}
	}
}

// before is how many output pixels precede a position.
func (g *grid) before(position int, out Shape) int {
	row, x := position/g.x.pitch, position%g.x.pitch
	image, y := row/g.y.pitch, row%g.y.pitch
	if y >= out.H {
		return (image + 1) * out.Pixels()
	}
	return (image*out.H+y)*out.W + min(x, out.W)
}

// floorDiv returns the quotient, rounded down, and what is left, at least 0.
func floorDiv(a, b int) (q, r int) {
	q = a / b
	if r = a % b; r < 0 {
		return q - 1, r + b
	}
	return q, r
}
