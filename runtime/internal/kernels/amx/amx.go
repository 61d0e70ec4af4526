// Package amx multiplies matrices of float32 with the tiles of Intel's AMX, which multiply
// bfloat16 and add float32.
//
// A float32 has 24 significant bits, a bfloat16 eight: so each number is the exact sum of
// three bfloat16 parts, large to small. Of the nine products of two numbers' parts the six
// largest are computed; what the others add is about the rounding of a float32 product, at
// most twice that. See Henry, Tang, Heinecke: Leveraging the bfloat16 Artificial Intelligence
// Datatype For Higher-Precision Computations, 2019.
//
// What is not finite, or rounds to a bfloat16 that is not (from 3.39e38 on), makes NaN of
// every sum that it enters, and parts below 1.2e-38 count as zeros.
package amx

//go:generate go -C ../_asm run ./amx -out ../amx/kernel_amd64.s -stubs ../amx/kernel_amd64.go -pkg amx

import "fmt"

const (
	// Width is the columns of a panel: two tiles side by side.
	Width = 32
	// Depth is how many k the products of two tiles add up.
	Depth = 32
	// TileRows is the most rows of a tile.
	TileRows = 16
	// Parts is how many parts a number has.
	Parts = 3

	// line is the elements of a tile's row: of A, Depth parts of one row; of B, parts of
	// two k, Depth/2 apart, of half a panel's columns.
	line = 32
)

// PackedDepth returns how many elements, of all parts, the weights of a column of C take
// that is k deep.
func PackedDepth(k int) int { return Parts * Depth * blocks(k) }

func blocks(k int) int { return (k + Depth - 1) / Depth }

// Split is
//
//	for i := range Rows {
//		for k := range K {
//			b, r := k/Depth, k%Depth
//			for p := range Parts {
//				Dst[(b*Parts+p)*Plane+i*Depth+2*(r%16)+r/16] = part p of Src[i*Pitch+k]
//			}
//		}
//	}
//
// where k that are left of the last block of Depth become zeros. The last part is what the
// others leave, cut off, not rounded: it is exact unless parts are below 1.2e-38. So a
// part of a block is a plane, in which rows follow each other.
type Split struct {
	Dst   []uint16
	Plane int

	Src   []float32
	Pitch int

	Rows, K int // at least 1
}

// Run computes s. It panics if s reaches outside its slices.
func (s *Split) Run() {
	if s.Rows < 1 || s.K < 1 || s.Pitch < 0 || s.Plane < s.Rows*line ||
		len(s.Dst) < (Parts*blocks(s.K)-1)*s.Plane+s.Rows*line ||
		len(s.Src) < (s.Rows-1)*s.Pitch+s.K {
		panic(fmt.Sprintf("amx: %d rows of %d, %d apart in %d, to planes of %d in %d",
			s.Rows, s.K, s.Pitch, len(s.Src), s.Plane, len(s.Dst)))
	}
	s.run()
}

// Call is what one call computes: a panel of C, strip by strip, each of two tiles of
// TileRows rows, one below the other. With row i of A, as Split writes it, and k blocks of
// Depth a tap,
//
//	for i, row := range Rows {
//		for j := range Cols {
//			sum := 0
//			for t, at := range Taps {
//				for k := range Blocks*Depth {
//					sum += A[at+i][k] * B[t][k][j]
//				}
//			}
//			sum += Bias[j] + Residual[row*LDR+j]
//			C[row*LDC+j] = min(max(sum, Lo), Hi)
//		}
//	}
//
// unless row is negative: what such a row of A holds does not matter, but it must be there.
// Sums do not depend on how rows make tiles.
type Call struct {
	TileRows int     // 1 to 16
	Rows     []int32 // of C: of so many whole strips

	A      []uint16
	Plane  int   // of A, see Split
	Taps   []int // where their rows of A begin, in rows
	Blocks int   // at least 1

	B    []uint16  // [Taps][Blocks] blocks of weights, see PackBlocks
	Bias []float32 // [Width]
	Cols int       // 1 to Width

	C        []float32
	LDC      int
	Residual []float32 // nil for none; may be C
	LDR      int
	Lo, Hi   float32 // bounds; infinities for none

	Next []uint16  // what is asked for in passing, so that it is in the second-level cache by then
	Sums []float32 // memory for the sums of a strip: SumsLen
}

// SumsLen is the length of Call.Sums.
const SumsLen = 2 * TileRows * Width

// BlockLen is the elements of a block of weights: Depth by Width, in all parts.
const BlockLen = Parts * Depth * Width

// Run computes c. It panics if c reaches outside its slices.
func (c *Call) Run() {
	strip := 2 * c.TileRows
	ok := c.TileRows >= 1 && c.TileRows <= TileRows && len(c.Rows) > 0 && len(c.Rows)%strip == 0 &&
		len(c.Taps) > 0 && c.Blocks >= 1 && c.Cols >= 1 && c.Cols <= Width && c.Plane >= 0 && c.LDC >= 0 && c.LDR >= 0 &&
		len(c.B) >= len(c.Taps)*c.Blocks*BlockLen && len(c.Bias) >= Width && len(c.Sums) >= SumsLen
	first, last := 0, 0
	for _, t := range c.Taps {
		first, last = min(first, t), max(last, t)
	}
	last += len(c.Rows)
	ok = ok && first >= 0 && last*line <= c.Plane && len(c.A) >= (Parts*c.Blocks-1)*c.Plane+last*line
	row := -1
	for _, r := range c.Rows {
		row = max(row, int(r))
	}
	if row >= 0 {
		ok = ok && len(c.C) >= row*c.LDC+c.Cols && (c.Residual == nil || len(c.Residual) >= row*c.LDR+c.Cols)
	}
	if !ok {
		c.refuse()
	}
	c.run()
}

// refuse says what Run was called with: there is a mistake in what called it.
func (c *Call) refuse() {
	panic(fmt.Sprintf("amx: %d rows in tiles of %d, %d taps %v of %d blocks, planes of %d in %d, %d columns with %d weights, %d biases, rows of C %d apart in %d, of the residual %d in %d",
		len(c.Rows), c.TileRows, len(c.Taps), c.Taps, c.Blocks, c.Plane, len(c.A), c.Cols, len(c.B), len(c.Bias), c.LDC, len(c.C), c.LDR, len(c.Residual)))
}

// PackBlock makes a block of weights, [Width/16][Parts][16][16][2]: a half of the panel's
// columns, their parts, then k of the block's first half, columns, and k and k+16.
//
// Its source is [16][Width/16][2][16]: k of the first half, a half of the columns, k and
// k+16, columns. See WeightPlace.
func PackBlock(dst []uint16, w []float32) {
	s := Split{Dst: dst, Plane: 16 * line, Src: w, Pitch: 2 * line, Rows: 16, K: 2 * Depth}
	s.Run()
}

// WeightPlace returns where, in units of 16 neighbouring columns, PackBlock wants the
// weights k of a half of the panel.
func WeightPlace(k, half int) int { return k%16*4 + half*2 + k/16 }
