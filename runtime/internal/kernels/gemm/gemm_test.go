package gemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/cpu/cputest"
	"github.com/cnnc-dev/cnnc/runtime/internal/guard"
)

// randomCall is a random Call of one tile with everything around what it may touch set to NaN.
func randomCall(rng *rand.Rand, k *Kernel, rows, taps, depth, width, panels, cols int) *Call {
	columns := (panels-1)*width + cols
	c := &Call{
		Tiles: 1, Rows: rows, Taps: taps, K: depth, Width: width, Panels: panels, Cols: cols,
		B:    floats(rng, panels*taps*depth*width),
		Bias: floats(rng, panels*width),
		LDC:  columns + rng.IntN(20),
		LDR:  columns + rng.IntN(20),
		Lo:   float32(math.Inf(-1)), Hi: float32(math.Inf(1)),
	}
	for p := range panels {
		for col := range width {
			if p*width+col < columns {
				continue
			}
			c.Bias[p*width+col] = 0
			for i := range taps * depth {
				c.B[(p*taps*depth+i)*width+col] = 0
			}
		}
	}
	if rng.IntN(2) == 0 {
		c.AStep = depth
	}
	// Rows lie in any order, with gaps, and may overlap.
	c.A = floats(rng, 4*taps*k.Rows*depth+panels*depth)
	last := len(c.A) - depth - (panels-1)*c.AStep
	c.Offsets = make([]int, taps*k.Rows)
	for i := range c.Offsets {
		c.Offsets[i] = 4 * rng.IntN(last+1)
	}
	c.C = nans((rows-1)*c.LDC + columns)
	return c
}

// several makes it a call of n tiles, whose A may overlap.
func (c *Call) several(rng *rand.Rand, n int) {
	c.Tiles, c.ATile = n, rng.IntN(2*c.K)
	c.A = append(c.A, floats(rng, (n-1)*c.ATile)...)
	c.C = nans((n*c.Rows-1)*c.LDC + c.columns())
}

func (c *Call) columns() int { return (c.Panels-1)*c.Width + c.Cols }

// residual is one for the call.
func (c *Call) residual(rng *rand.Rand) []float32 {
	return floats(rng, (c.Tiles*c.Rows-1)*c.LDR+c.columns())
}

func floats(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

func nans(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(math.NaN())
	}
	return x
}

// want is element r, col of C in float64, and the sum of the terms' sizes.
func (c *Call) want(stride, r, col int) (sum, size float64) {
	p, j := col/c.Width, col%c.Width
	if p >= c.Panels {
		panic("column")
	}
	sum = float64(c.Bias[col])
	size = math.Abs(sum)
	for t := range c.Taps {
		a := c.A[r/c.Rows*c.ATile+p*c.AStep+c.Offsets[t*stride+r%c.Rows]/4:]
		for k := range c.K {
			x := float64(a[k]) * float64(c.B[((p*c.Taps+t)*c.K+k)*c.Width+j])
			sum += x
			size += math.Abs(x)
		}
	}
	if c.Residual != nil {
		x := float64(c.Residual[r*c.LDR+col])
		sum += x
		size += math.Abs(x)
	}
	return min(max(sum, float64(c.Lo)), float64(c.Hi)), size
}

func checkCall(t *testing.T, k *Kernel, c *Call) {
	t.Helper()
	columns := c.columns()
	for i, got := range c.C {
		r, col := i/c.LDC, i%c.LDC
		if col >= columns {
			if !math.IsNaN(float64(got)) {
				t.Fatalf("wrote column %d of row %d: there are %d", col, r, columns)
			}
			continue
		}
		want, size := c.want(k.Rows, r, col)
		bound := size * float64(c.Taps*c.K+2) * 0x1p-24
		if e := math.Abs(float64(got) - want); !(e <= bound) {
			t.Fatalf("row %d column %d: %g, want %g: off by %.3g, may be off by %.3g", r, col, got, want, e, bound)
		}
	}
}

func TestTiles(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		k := For(cpu.Level())
		rng := rand.New(rand.NewPCG(1, uint64(k.ISA)))
		for _, width := range k.Widths {
			for rows := 1; rows <= k.Rows; rows++ {
				t.Run(fmt.Sprintf("%dx%d", rows, width), func(t *testing.T) {
					for cols := width - k.Lanes + 1; cols <= width; cols++ {
						if rows > 1 && rows < k.Rows && cols%5 != rows%5 {
							continue // all masks with few and with many rows, some with the others
						}
						for _, s := range []struct{ taps, k, panels int }{{1, 1, 1}, {1, 3, 2}, {1, 4, 1}, {2, 5, 3}, {9, 7, 1}, {3, 8, 2}, {1, 65, 1}, {2, 5, 4}, {1, 3, 6}, {2, 4, 9}} {
							c := randomCall(rng, k, rows, s.taps, s.k, width, s.panels, cols)
							c.several(rng, 1+rng.IntN(3))
							if rng.IntN(2) == 0 {
								c.Residual = c.residual(rng)
							}
							switch rng.IntN(3) {
							case 1:
								c.Lo = 0
							case 2:
								c.Lo, c.Hi = 0, 1
							}
							if rng.IntN(2) == 0 {
								c.Next = c.B[:len(c.B)/2]
							}
							k.Run(c)
							checkCall(t, k, c)
							if t.Failed() {
								t.Logf("%+v", s)
							}
						}
					}
				})
			}
		}
	})
}

// A tile's rows, its width and the column a weight stands in change no bit.
func TestTilesAgree(t *testing.T) {
	const taps, depth, n = 3, 13, 70
	cputest.Each(t, func(t *testing.T) {
		k := For(cpu.Level())
		rng := rand.New(rand.NewPCG(2, uint64(k.ISA)))
		whole := randomCall(rng, k, k.Rows, taps, depth, k.Width, (n+k.Width-1)/k.Width, k.Width)
		whole.Residual = floats(rng, len(whole.C)+whole.LDR*k.Rows)
		whole.AStep = 0
		k.Run(whole)
		for _, width := range k.Widths {
			for rows := 1; rows < k.Rows; rows++ {
				c := *whole
				c.Rows, c.Width, c.Panels, c.Cols = rows, width, 1, width
				c.B = make([]float32, taps*depth*width)
				c.Bias = make([]float32, width)
				for col := range min(width, k.Width) {
					c.Bias[col] = whole.Bias[col]
					for i := range taps * depth {
						c.B[i*width+col] = whole.B[i*k.Width+col]
					}
				}
				c.C = nans(len(whole.C))
				k.Run(&c)
				for r := range rows {
					for col := range min(width, k.Width) {
						if got, want := c.C[r*c.LDC+col], whole.C[r*c.LDC+col]; got != want {
							t.Fatalf("%dx%d, row %d column %d: %g, in the whole tile %g", rows, width, r, col, got, want)
						}
					}
				}
			}
		}
	})
}

func TestResidualInPlace(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		k := For(cpu.Level())
		rng := rand.New(rand.NewPCG(3, uint64(k.ISA)))
		c := randomCall(rng, k, k.Rows, 2, 9, k.Width, 2, k.Width-1)
		c.Residual = floats(rng, len(c.C))
		c.LDR = c.LDC
		k.Run(c)
		want := slices.Clone(c.C)
		c.C = slices.Clone(c.Residual)
		c.Residual = c.C
		k.Run(c)
		columns := 2*k.Width - 1
		for i, got := range c.C {
			if i%c.LDC < columns && got != want[i] {
				t.Fatalf("element %d: %g in place, %g apart", i, got, want[i])
			}
		}
	})
}

func TestNaNStays(t *testing.T) {
	nan := float32(math.NaN())
	cputest.Each(t, func(t *testing.T) {
		k := For(cpu.Level())
		rng := rand.New(rand.NewPCG(4, uint64(k.ISA)))
		for _, where := range []string{"A", "B", "Bias", "Residual"} {
			c := randomCall(rng, k, 1, 1, 1, k.Width, 1, k.Width)
			c.Residual = floats(rng, len(c.C))
			c.Lo, c.Hi = 0, 6
			map[string][]float32{"A": c.A[c.Offsets[0]/4:], "B": c.B, "Bias": c.Bias, "Residual": c.Residual}[where][0] = nan
			k.Run(c)
			if got := c.C[0]; got == got {
				t.Errorf("NaN in %s became %g", where, got)
			}
		}
	})
}

func TestCallIsChecked(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		k := For(cpu.Level())
		for name, spoil := range map[string]func(c *Call){
			"no tiles": func(c *Call) { c.Tiles = 0 },
			"tiles":    func(c *Call) { c.Tiles = 2 },
			"rows":     func(c *Call) { c.Rows = k.Rows + 1 },
			"no rows":  func(c *Call) { c.Rows = 0 },
			"taps":     func(c *Call) { c.Taps = 0 },
			"k":        func(c *Call) { c.K = 0 },
			"panels":   func(c *Call) { c.Panels = 0 },
			"width":    func(c *Call) { c.Width += 3 },
			"cols":     func(c *Call) { c.Cols = c.Width + 1 },
			"few cols": func(c *Call) { c.Cols = c.Width - k.Lanes },
			"offsets":  func(c *Call) { c.Offsets = c.Offsets[:k.Rows+1] },
			"B":        func(c *Call) { c.B = c.B[1:] },
			"bias":     func(c *Call) { c.Bias = c.Bias[1:] },
			"C":        func(c *Call) { c.C = c.C[1:] },
			"residual": func(c *Call) { c.Residual = c.C[1:] },
		} {
			c := randomCall(rand.New(rand.NewPCG(5, 5)), k, 2, 2, 5, k.Width, 2, k.Width)
			c.LDR = c.LDC
			spoil(c)
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("wrong %s went unnoticed", name)
					}
				}()
				k.Run(c)
			}()
		}
	})
}

func TestRunAllocatesNothing(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		k := For(cpu.Level())
		c := randomCall(rand.New(rand.NewPCG(6, 6)), k, k.Rows, 2, 5, k.Width, 2, k.Width)
		if n := testing.AllocsPerRun(10, func() { k.Run(c) }); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}

func TestPanels(t *testing.T) {
	for _, c := range []struct {
		isa  cpu.ISA
		n    int
		want []int // widths
	}{
		{cpu.AVX512, 1, []int{16}},
		{cpu.AVX512, 17, []int{32}},
		{cpu.AVX512, 33, []int{48}},
		{cpu.AVX512, 49, []int{32, 32}},
		{cpu.AVX512, 64, []int{32, 32}},
		{cpu.AVX512, 80, []int{32, 48}},
		{cpu.AVX512, 1000, append(slices.Repeat([]int{32}, 30), 48)},
		{cpu.AVX2, 8, []int{8}},
		{cpu.AVX2, 24, []int{16, 8}},
		{cpu.AVX2, 31, []int{16, 16}},
		{cpu.Generic, 13, []int{8, 8}},
	} {
		k := For(c.isa)
		var widths []int
		next, bias := 0, 0
		for _, p := range k.Panels(c.n, 10) {
			widths = append(widths, p.Width)
			if p.First != next || p.Bias != bias || p.B != 10*bias || p.Cols <= p.Width-k.Lanes {
				t.Errorf("%s: panel %+v of %d columns", c.isa, p, c.n)
			}
			next += p.Cols
			bias += p.Width
		}
		if next != c.n || !slices.Equal(widths, c.want) {
			t.Errorf("%s: %d columns in panels %v to %d, want %v", c.isa, c.n, widths, next, c.want)
		}
	}
}

// Tiles read and write nothing outside their slices: these end, or begin, where
// memory does.
func TestTilesStayInside(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		k := For(cpu.Level())
		rng := rand.New(rand.NewPCG(7, uint64(k.ISA)))
		for name, place := range map[string]func(testing.TB, int) []float32{"end": guard.After, "beginning": guard.Before} {
			for _, width := range k.Widths {
				for rows := 1; rows <= k.Rows; rows++ {
					t.Run(fmt.Sprintf("%s/%dx%d", name, rows, width), func(t *testing.T) {
						copied := func(x []float32) []float32 {
							y := place(t, len(x))
							copy(y, x)
							return y
						}
						for _, cols := range []int{width - k.Lanes + 1, width - 1, width} {
							c := randomCall(rng, k, rows, 2, 5+rows%4, width, 2, cols)
							c.several(rng, 1+rows%2)
							c.Residual = c.residual(rng)
							c.A, c.B, c.Bias, c.C, c.Residual = copied(c.A), copied(c.B), copied(c.Bias), copied(c.C), copied(c.Residual)
							k.Run(c)
							checkCall(t, k, c)
						}
					})
				}
			}
		}
	})
}
