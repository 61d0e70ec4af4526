//go:build !purego

package gemm

import (
	"math"
	"unsafe"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
)

// args is a Call as the assembly reads it; sizes are in bytes. The generator has
// the same list of fields.
type args struct {
	a        unsafe.Pointer
	aStep    int
	offsets  unsafe.Pointer
	b        unsafe.Pointer
	bias     unsafe.Pointer
	c        unsafe.Pointer
	ldc      int
	residual unsafe.Pointer // c if there is none
	ldr      int
	adds     int // 1 if there is a residual
	next     unsafe.Pointer
	nextStep int // for every eight k
	tiles    int
	aNext    int // from the last panel of a tile to the first of the next one
	cNext    int
	resNext  int
	rows     int
	taps     int
	k8, k1   int // K is 8*k8 + k1
	panels   int
	cols     int
	clamp    int // 0: none, 1: Lo, 2: Lo and Hi
	lo, hi   float32
}

func (k *Kernel) assembly(c *Call) {
	// Not a literal: the Go compiler would make it elsewhere and copy it, in pieces larger
	// than those just stored, which the processor has to wait for.
	var a args
	a.a = unsafe.Pointer(unsafe.SliceData(c.A))
	a.aStep = 4 * c.AStep
	a.offsets = unsafe.Pointer(unsafe.SliceData(c.Offsets))
	a.b = unsafe.Pointer(unsafe.SliceData(c.B))
	a.bias = unsafe.Pointer(unsafe.SliceData(c.Bias))
	a.c = unsafe.Pointer(unsafe.SliceData(c.C))
	a.ldc = 4 * c.LDC
	a.residual = unsafe.Pointer(unsafe.SliceData(c.C))
	a.ldr = 4 * c.LDC
	a.next = unsafe.Pointer(unsafe.SliceData(c.B))
	a.tiles = c.Tiles
	a.rows = c.Rows
	a.taps = c.Taps
	a.k8 = c.K / 8
	a.k1 = c.K % 8
	a.panels = c.Panels
	a.cols = c.Cols
	a.lo = c.Lo
	a.hi = c.Hi
	if c.Residual != nil {
		a.residual, a.ldr, a.adds = unsafe.Pointer(unsafe.SliceData(c.Residual)), 4*c.LDR, 1
	}
	if len(c.Next) > 0 && a.k8 > 0 {
		a.next = unsafe.Pointer(unsafe.SliceData(c.Next))
		a.nextStep = 4 * len(c.Next) / (c.Tiles * c.Panels * c.Taps * a.k8)
	}
	columns := 4 * (c.Panels - 1) * c.Width
	a.aNext, a.cNext, a.resNext = 4*c.ATile-(c.Panels-1)*a.aStep, c.Rows*a.ldc-columns, c.Rows*a.ldr-columns
	if c.Lo > float32(math.Inf(-1)) {
		a.clamp = 1
		if c.Hi < float32(math.Inf(1)) {
			a.clamp = 2
		}
	}
	if a.tiles == 1 && a.rows == 1 && a.aStep == 0 && c.Width == k.Width {
		k.row(&a)
		return
	}
	k.tile(&a, c.Width)
}

// tile chooses the function.
func (k *Kernel) tile(a *args, width int) {
	switch {
	case k.ISA == cpu.AVX2 && width == 16:
		tile6x16AVX2(a)
	case k.ISA == cpu.AVX2:
		tile6x8AVX2(a)
	case width == 32:
		tile14x32AVX512(a)
	case width == 16:
		tile14x16AVX512(a)
	default:
		tile48(a)
	}
}

// row computes one row four panels at a time: the sums of one would wait for each
// other.
func (k *Kernel) row(a *args) {
	const group = 4
	panels, cols := a.panels, a.cols
	if rest := panels % group; rest != panels {
		a.panels -= rest
		if rest > 0 {
			a.cols = k.Width
		}
		if k.ISA == cpu.AVX2 {
			tile1x64AVX2(a)
		} else {
			tile1x128AVX512(a)
		}
		if rest == 0 {
			return
		}
		a.advance(a.panels, k.Width)
		a.panels, a.cols = rest, cols
	}
	k.tile(a, k.Width)
}

// advance leaves out the first panels.
func (a *args) advance(panels, width int) {
	columns := 4 * panels * width
	a.b = unsafe.Add(a.b, columns*a.taps*(8*a.k8+a.k1))
	a.bias = unsafe.Add(a.bias, columns)
	a.c = unsafe.Add(a.c, columns)
	a.residual = unsafe.Add(a.residual, columns)
}

// tile48 takes the rows of wide tiles in two parts: more than seven do not fit
// into the registers.
func tile48(a *args) {
	const most = 7
	rows := a.rows
	a.rows = min(rows, most)
	tile7x48AVX512(a)
	if rows == a.rows {
		return
	}
	a.offsets = unsafe.Add(a.offsets, 8*most)
	a.c = unsafe.Add(a.c, a.ldc*most)
	a.residual = unsafe.Add(a.residual, a.ldr*most)
	a.rows = rows - most
	tile7x48AVX512(a)
}
