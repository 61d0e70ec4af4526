//go:build !purego

package amx

import "unsafe"

// splitArgs is a Split as the assembly reads it, args a Call; sizes are in bytes. The
// generator has the same lists of fields.
type splitArgs struct {
	dst    unsafe.Pointer
	plane  int
	src    unsafe.Pointer
	pitch  int
	rows   int
	blocks int // of Depth
	rest   int // k after these
}

type args struct {
	config    unsafe.Pointer
	a         unsafe.Pointer
	plane     int
	tile      int // of A
	aBlock    int // from a block of A to the next
	aTap      int // from the last block of a tap to the next one's first, of the same rows
	aStrip    int // the same, of the next strip's rows
	taps      unsafe.Pointer
	nTaps     int
	blocks    int
	b         unsafe.Pointer
	bStrip    int // from the last block of a strip to the next one's first
	bias      unsafe.Pointer
	c         unsafe.Pointer
	ldc       int
	residual  unsafe.Pointer
	ldr       int
	adds      int // 1 if there is a residual
	rows      unsafe.Pointer
	strips    int
	stripRows int
	cols      int
	next      unsafe.Pointer
	nextLen   int
	nextStep  int // for every block
	sums      unsafe.Pointer
	lo, hi    float32
}

// config says what shape tiles have, in the processor's words.
type config struct {
	palette  byte
	startRow byte
	_        [14]byte
	rowBytes [16]uint16
	rows     [16]byte
}

// configs is by the rows of the tiles of A.
var configs = func() (all [TileRows + 1]config) {
	for rows := range all {
		c := &all[rows]
		c.palette = 1
		for t := range 8 {
			c.rowBytes[t] = 2 * line
			c.rows[t] = byte(rows)
			if t >= 6 { // of B
				c.rows[t] = 16
			}
		}
	}
	return
}()

func runBurst(tiles []uint16, turns int) { burst(&configs[TileRows].palette, &tiles[0], turns) }

func (s *Split) run() {
	var a splitArgs
	a.dst = unsafe.Pointer(unsafe.SliceData(s.Dst))
	a.plane = 2 * s.Plane
	a.src = unsafe.Pointer(unsafe.SliceData(s.Src))
	a.pitch = 4 * s.Pitch
	a.rows = s.Rows
	a.blocks = s.K / Depth
	a.rest = s.K % Depth
	split(&a)
}

func (c *Call) run() {
	// See gemm for why this is no literal.
	var a args
	strip := 2 * c.TileRows
	a.config = unsafe.Pointer(&configs[c.TileRows])
	a.a = unsafe.Pointer(unsafe.SliceData(c.A))
	a.plane = 2 * c.Plane
	a.tile = 2 * line * c.TileRows
	a.aBlock = Parts * a.plane
	a.aTap = -(c.Blocks - 1) * a.aBlock
	a.aStrip = a.aTap + 2*line*strip
	a.taps = unsafe.Pointer(unsafe.SliceData(c.Taps))
	a.nTaps = len(c.Taps)
	a.blocks = c.Blocks
	a.b = unsafe.Pointer(unsafe.SliceData(c.B))
	a.bStrip = -(len(c.Taps)*c.Blocks - 1) * 2 * BlockLen
	a.bias = unsafe.Pointer(unsafe.SliceData(c.Bias))
	a.c = unsafe.Pointer(unsafe.SliceData(c.C))
	a.ldc = 4 * c.LDC
	a.rows = unsafe.Pointer(unsafe.SliceData(c.Rows))
	a.strips = len(c.Rows) / strip
	a.stripRows = strip
	a.cols = c.Cols
	a.sums = unsafe.Pointer(unsafe.SliceData(c.Sums))
	a.lo = c.Lo
	a.hi = c.Hi
	if c.Residual != nil {
		a.residual, a.ldr, a.adds = unsafe.Pointer(unsafe.SliceData(c.Residual)), 4*c.LDR, 1
	}
	if len(c.Next) > 0 {
		const size = 64 // of a cache line
		steps := a.strips * a.nTaps * a.blocks
		a.next = unsafe.Pointer(unsafe.SliceData(c.Next))
		a.nextLen = 2 * len(c.Next)
		lines := (a.nextLen + size - 1) / size
		a.nextStep = (lines + steps - 1) / steps * size
	}
	multiply(&a)
}
