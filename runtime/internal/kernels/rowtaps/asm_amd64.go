//go:build !purego

package rowtaps

import (
	"math"
	"unsafe"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
)

// args is some tiles of a Call, of the same number of pixels each, as the assembly reads
// them; sizes are in bytes. The generator has the same list of fields.
type args struct {
	a                     unsafe.Pointer
	aLine, aPixel, aTap   int
	b, bias               unsafe.Pointer
	c                     unsafe.Pointer
	cLine, cPixel         int
	residual              unsafe.Pointer // c if there is none
	rLine, rPixel         int
	adds                  int // 1 if there is a residual
	fetch                 int // pixels of C to ask for with each tap
	lines, tiles          int
	pixels                int // of a tile
	taps, k, panels, tail int // tail: lanes of the last vector of C
	clamp                 int // 0: none, 1: lo, 2: lo and hi
	lo, hi                float32
}

func (c *Call) assembly(isa cpu.ISA) {
	most, lanes := 14, 16
	switch {
	case isa == cpu.AVX2:
		most, lanes = 6, 8
	case c.Width == 48:
		most = 7
	}
	var a args // not a literal, see gemm
	a.a = unsafe.Pointer(unsafe.SliceData(c.A))
	a.aLine, a.aPixel, a.aTap = 4*c.ALine, 4*c.APixel, 4*c.ATap
	a.b = unsafe.Pointer(unsafe.SliceData(c.B))
	a.bias = unsafe.Pointer(unsafe.SliceData(c.Bias))
	a.c = unsafe.Pointer(unsafe.SliceData(c.C))
	a.cLine, a.cPixel = 4*c.CLine, 4*c.CPixel
	a.residual = a.c
	a.lines, a.taps, a.k, a.panels = c.Lines, c.Taps, c.K, c.Panels
	a.tail = c.Cols - (c.Width - lanes)
	a.lo, a.hi = c.Lo, c.Hi
	if c.Residual != nil {
		a.residual, a.adds = unsafe.Pointer(unsafe.SliceData(c.Residual)), 1
		a.rLine, a.rPixel = 4*c.RLine, 4*c.RPixel
	}
	if c.Lo > float32(math.Inf(-1)) {
		a.clamp = 1
		if c.Hi < float32(math.Inf(1)) {
			a.clamp = 2
		}
	}
	// Tiles of about the same size: first those of a pixel more, then the others.
	tiles := (c.Pixels + most - 1) / most
	more := c.Pixels % tiles
	a.pixels, a.tiles = c.Pixels/tiles+1, more
	if more > 0 {
		c.run(isa, &a)
		done := more * a.pixels
		a.a = unsafe.Add(a.a, done*a.aPixel)
		a.c = unsafe.Add(a.c, done*a.cPixel)
		a.residual = unsafe.Add(a.residual, done*a.rPixel)
	}
	a.pixels, a.tiles = c.Pixels/tiles, tiles-more
	c.run(isa, &a)
}

// run chooses the function.
func (c *Call) run(isa cpu.ISA, a *args) {
	if c.Fetch {
		a.fetch = (a.pixels + a.taps - 1) / a.taps
	}
	switch {
	case isa == cpu.AVX2 && c.Width == 16:
		tile6x16AVX2(a)
	case isa == cpu.AVX2:
		tile6x8AVX2(a)
	case c.Width == 32:
		tile14x32AVX512(a)
	case c.Width == 16:
		tile14x16AVX512(a)
	default:
		tile7x48AVX512(a)
	}
}
