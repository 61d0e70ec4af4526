package window

import "fmt"

// Map is a feature map of one image, its pixels Pitch floats apart. Data begins at
// the first channel of the first pixel and holds the last of the last.
type Map struct {
	Data  []float32
	Pitch int
}

// check panics unless m holds so many pixels of so many channels.
func (m Map) check(name string, pixels, channels int) {
	if m.Pitch < channels || len(m.Data) < (pixels-1)*m.Pitch+channels {
		panic(fmt.Sprintf("window: %s has %d floats, pitch %d, for %d pixels of %d channels",
			name, len(m.Data), m.Pitch, pixels, channels))
	}
}

// Clamp says which bounds a sum is held to before it is stored.
type Clamp int

const (
	NoClamp Clamp = iota
	FromBelow
	OnBothSides
)

// Call is the work of one call: output rows [FromY, ToY), output channels
// [FromC, ToC) of dst = clamp(conv(src) + bias + residual).
type Call struct {
	Dst, Src     Map
	Residual     Map // no Data: none; may be Dst
	FromY, ToY   int
	FromC, ToC   int
	Clamp        Clamp
	Lower, Upper float32
}

// Args is what a kernel does in one go: some bands, tiles and channels. Assembly
// reads it: every field is eight bytes. Offsets and steps are in bytes.
type Args struct {
	Dst, Src, Residual             *float32 // at the first pixel of the map
	SrcOffset                      int      // from there to what pixel 0 and kernel column 0 meet
	SrcLine, DstLine, ResidualLine int      // from a row of the map to the next
	SrcStep, DstStep, ResidualStep int      // from what belongs to an output pixel to what belongs to the next
	SrcRow, SrcTap                 int      // from a kernel row or column to the next

	Weights   *float32
	Block     int // from a vector of output channels to the next
	WeightRow int // from a kernel row to the next
	Bias      *float32

	Bands     *Band
	BandCount int
	Tiles     *Tile
	TileCount int
	Spans     *Span // for each tile, one for each kernel column
	Taps      int   // columns of the kernel

	Channels int // of the output
	Pairs    int // of input channels a group; package grouped
	FetchDst int // 1: ask for what the next tile writes to; package grouped
	Clamp    Clamp
	Bounds   [2]float32
}

// Window is a geometry cut in bands and tiles.
type Window struct {
	Geometry
	bands []Band    // of one row
	pairs [2][]Band // of two, from row 0 and from row 1 on; or none
	tiles []Tile
	spans []Span
}

// New returns the window of a geometry, with bands of two rows if pairs.
func New(g Geometry, pairs bool) *Window {
	tiles, spans := g.Tiles()
	w := &Window{Geometry: g, bands: g.Bands(0, false), tiles: tiles, spans: spans}
	if pairs {
		w.pairs = [2][]Band{g.Bands(0, true), g.Bands(1, true)}
	}
	return w
}

// Args returns the arguments of a call for a convolution of in to out channels. It
// is left to the caller to say what the weights are, and to add the first channels to
// the maps. It panics if a map is smaller than the geometry says.
func (w *Window) Args(c *Call, in, out int) Args {
	c.Dst.check("dst", w.OutH*w.OutW, out)
	c.Src.check("src", w.InH*w.InW, in)
	if c.Residual.Data != nil {
		c.Residual.check("residual", w.OutH*w.OutW, out)
	}
	rows := c.ToY - c.FromY
	if c.FromY < 0 || c.ToY > w.OutH || rows < 1 || rows%RowStep != 0 && rows != 1 && c.ToY != w.OutH || c.FromC < 0 || c.ToC > out || c.FromC >= c.ToC {
		panic(fmt.Sprintf("window: rows [%d,%d) of %d, channels [%d,%d) of %d", c.FromY, c.ToY, w.OutH, c.FromC, c.ToC, out))
	}
	bands := w.bands[c.FromY:c.ToY]
	if rows > 1 && w.pairs[0] != nil {
		bands = w.pairs[c.FromY%2][c.FromY/2:][:(rows+1)/2]
	}
	a := Args{
		Dst:          &c.Dst.Data[0],
		Src:          &c.Src.Data[0],
		SrcOffset:    -4 * w.PadLeft * c.Src.Pitch,
		SrcLine:      4 * w.InW * c.Src.Pitch,
		DstLine:      4 * w.OutW * c.Dst.Pitch,
		ResidualLine: 4 * w.OutW * c.Residual.Pitch,
		SrcStep:      4 * w.StrideW * c.Src.Pitch,
		DstStep:      4 * c.Dst.Pitch,
		ResidualStep: 4 * c.Residual.Pitch,
		SrcRow:       4 * w.DilationH * w.InW * c.Src.Pitch,
		SrcTap:       4 * w.DilationW * c.Src.Pitch,
		Bands:        &bands[0],
		BandCount:    len(bands),
		Tiles:        &w.tiles[0],
		TileCount:    len(w.tiles),
		Spans:        &w.spans[0],
		Taps:         w.KernelW,
		Clamp:        c.Clamp,
		Bounds:       [2]float32{c.Lower, c.Upper},
	}
	if c.Residual.Data != nil {
		a.Residual = &c.Residual.Data[0]
	}
	return a
}

// Store adds the residual to the sums of an output pixel's channels from first on,
// clamps and stores them: a kernel's last step in plain Go. A NaN stays one.
func (c *Call) Store(pixel, first int, sums []float32) {
	dst := c.Dst.Data[pixel*c.Dst.Pitch+first:][:len(sums)]
	if c.Residual.Data != nil {
		for i, r := range c.Residual.Data[pixel*c.Residual.Pitch+first:][:len(sums)] {
			sums[i] += r
		}
	}
	for i, v := range sums {
		if c.Clamp >= FromBelow && v < c.Lower {
			v = c.Lower
		}
		if c.Clamp >= OnBothSides && v > c.Upper {
			v = c.Upper
		}
		dst[i] = v
	}
}
