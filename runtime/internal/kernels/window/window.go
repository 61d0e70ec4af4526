// Package window says how a convolution's kernel slides over a padded map, and
// which parts of it lie inside: what the depthwise and the grouped kernels share.
//
// No map has a halo of zeros around it, and none is copied to get one. An output
// row's kernel rows outside of the input are left out, and an output row is cut
// into tiles of up to Pixels pixels, each of which knows which of its input
// columns exist.
package window

// Pixels is the width of a whole tile: 112, 56, 28, 14 and 7 divide by it.
const Pixels = 7

// Geometry is a convolution without its channels, in pixels.
type Geometry struct {
	InH, InW, OutH, OutW int
	KernelH, KernelW     int
	StrideH, StrideW     int
	DilationH, DilationW int
	PadTop, PadLeft      int // at the bottom and on the right there is what Out needs
}

// Taps returns the number of elements of the kernel.
func (g *Geometry) Taps() int { return g.KernelH * g.KernelW }

// Tile is a run of output pixels of one row, the same in every row. Assembly
// reads it.
type Tile struct {
	X, N int // pixels [X, X+N), N <= Pixels

	// Of the input columns under a whole tile, counted from the one under pixel X
	// and kernel column 0, those under these N pixels and inside of the map are
	// among [Lo, Hi).
	Lo, Hi int
}

// Span is a range of pixels of a tile: first | end<<8. Assembly reads it.
type Span int64

// Range returns the span's pixels [first, end).
func (s Span) Range() (first, end int) { return int(s & 0xff), int(s >> 8) }

// Tiles cuts an output row into whole tiles and what is left over, and says for each
// tile (rows of KernelW spans) and each kernel column which pixels' input exists. Tiles
// of about the same width would be slower: kernels know at compile time what a whole one
// reads.
func (g *Geometry) Tiles() ([]Tile, []Span) {
	n := (g.OutW + Pixels - 1) / Pixels
	tiles := make([]Tile, n)
	var spans []Span
	for i := range tiles {
		x, end := i*Pixels, min((i+1)*Pixels, g.OutW)
		column := x*g.StrideW - g.PadLeft
		under := (end-x-1)*g.StrideW + (g.KernelW-1)*g.DilationW + 1
		hi := max(0, min(g.InW-column, under))
		tiles[i] = Tile{X: x, N: end - x, Lo: min(max(0, -column), hi), Hi: hi}
		for kx := range g.KernelW {
			first := ceilDiv(max(0, -(column+kx*g.DilationW)), g.StrideW)
			last := ceilDiv(max(0, g.InW-(column+kx*g.DilationW)), g.StrideW)
			last = min(last, end-x)
			spans = append(spans, Span(min(first, last)|last<<8))
		}
	}
	return tiles, spans
}

// Rows returns the kernel rows [first, end) that lie inside of the map for output
// row y, and the input row under kernel row 0, which may lie outside.
func (g *Geometry) Rows(y int) (first, end, top int) {
	top = y*g.StrideH - g.PadTop
	end = min(g.KernelH, ceilDiv(max(0, g.InH-top), g.DilationH))
	first = min(end, ceilDiv(max(0, -top), g.DilationH))
	return first, end, top
}

// Band is one output row or two that are computed together, and the input rows
// under them that lie inside of the map. Assembly reads it.
type Band struct {
	Y, N  int // rows [Y, Y+N)
	Row   int // the first input row inside
	First int // the kernel row that meets it for output row Y

	// The input rows: so many for output row Y alone, then so many for both, then so
	// many for output row Y+1 alone.
	Upper, Both, Lower int
}

// RowStep is what the number of rows of a Call is a multiple of, unless they end at the
// last row, or it is one.
const RowStep = 2

// CanPair reports whether two output rows may make a band: they read common rows.
func (g *Geometry) CanPair() bool {
	return g.DilationH == 1 && g.StrideH == g.StrideW && g.StrideH <= g.KernelH
}

// Bands returns the bands of the output rows from y on: of two rows if pairs, which
// CanPair must allow, but for the last of an odd number.
func (g *Geometry) Bands(y int, pairs bool) []Band {
	var bands []Band
	for y < g.OutH {
		first, end, top := g.Rows(y)
		b := Band{Y: y, N: 1, Row: top + first*g.DilationH, First: first, Upper: end - first}
		if pairs && y+1 < g.OutH {
			first = max(0, -top)
			end = min(g.KernelH+g.StrideH, g.InH-top)
			within := func(from, to int) int { return max(0, min(to, end)-max(from, first)) }
			b.N, b.Row, b.First = 2, top+first, first
			b.Upper = within(0, g.StrideH)
			b.Both = within(g.StrideH, g.KernelH)
			b.Lower = within(g.KernelH, end)
		}
		bands = append(bands, b)
		y += b.N
	}
	return bands
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
