package rowtaps

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/cpu/cputest"
	"github.com/cnnc-dev/cnnc/runtime/internal/guard"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/gemm"
)

// size is how much a call computes.
type size struct{ lines, pixels, taps, k, width, panels, cols int }

// randomCall is a random Call whose slices are placed by place and end with what the call
// reads. What it should write, and what lies between, is NaN.
func randomCall(rng *rand.Rand, z size, place func(n int) []float32) *Call {
	columns := (z.panels-1)*z.width + z.cols
	c := &Call{
		Lines: z.lines, Pixels: z.pixels, Taps: z.taps, K: z.k, Width: z.width, Panels: z.panels, Cols: z.cols,
		APixel: 1 + rng.IntN(z.k), CPixel: columns + rng.IntN(20), RPixel: columns + rng.IntN(20),
		Lo: float32(math.Inf(-1)), Hi: float32(math.Inf(1)), Fetch: rng.IntN(2) == 0,
	}
	c.ATap = z.pixels*c.APixel + z.k
	c.ALine = c.ATap * (1 + rng.IntN(2))
	c.CLine, c.RLine = z.pixels*c.CPixel, z.pixels*c.RPixel+rng.IntN(20)
	random := func(n int) []float32 {
		x := place(n)
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		return x
	}
	last := func(line, pixel int) int { return (z.lines-1)*line + (z.pixels-1)*pixel }
	c.A = random(last(c.ALine, c.APixel) + (z.taps-1)*c.ATap + z.k)
	c.B = random(z.panels * z.taps * z.k * z.width)
	c.Bias = random(z.panels * z.width)
	c.C = place(last(c.CLine, c.CPixel) + columns)
	for i := range c.C {
		c.C[i] = float32(math.NaN())
	}
	if rng.IntN(2) == 0 {
		c.Residual = random(last(c.RLine, c.RPixel) + columns)
	}
	switch rng.IntN(3) {
	case 1:
		c.Lo = 0
	case 2:
		c.Lo, c.Hi = 0, 1
	}
	return c
}

func heap(n int) []float32 { return make([]float32, n) }

// want is column col of a pixel in float64, and the sum of the terms' sizes.
func (c *Call) want(y, x, col int) (sum, size float64) {
	p, j := col/c.Width, col%c.Width
	add := func(term float64) {
		sum += term
		size += math.Abs(term)
	}
	add(float64(c.Bias[col]))
	for t := range c.Taps {
		for k := range c.K {
			add(float64(c.A[y*c.ALine+x*c.APixel+t*c.ATap+k]) * float64(c.B[((p*c.Taps+t)*c.K+k)*c.Width+j]))
		}
	}
	if c.Residual != nil {
		add(float64(c.Residual[y*c.RLine+x*c.RPixel+col]))
	}
	return min(max(sum, float64(c.Lo)), float64(c.Hi)), size
}

func check(t *testing.T, c *Call) {
	t.Helper()
	columns := (c.Panels-1)*c.Width + c.Cols
	for i, got := range c.C {
		y, x, col := i/c.CLine, i%c.CLine/c.CPixel, i%c.CLine%c.CPixel
		if col >= columns {
			if !math.IsNaN(float64(got)) {
				t.Fatalf("wrote column %d of pixel %d,%d: there are %d", col, y, x, columns)
			}
			continue
		}
		want, size := c.want(y, x, col)
		bound := size * float64(c.Taps*c.K+2) * 0x1p-24
		if e := math.Abs(float64(got) - want); !(e <= bound) {
			t.Fatalf("pixel %d,%d column %d: %g, want %g: off by %.3g, may be off by %.3g", y, x, col, got, want, e, bound)
		}
	}
}

// Every number of pixels up to three tiles, every tail, against slices that end, or begin,
// where memory does.
func TestRun(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		isa := cpu.Level()
		k := gemm.For(isa)
		rng := rand.New(rand.NewPCG(1, uint64(isa)))
		for _, width := range k.Widths {
			for pixels := 1; pixels <= 3*k.Rows; pixels++ {
				t.Run(fmt.Sprintf("%dx%d", pixels, width), func(t *testing.T) {
					places := []func(int) []float32{
						func(n int) []float32 { return guard.After(t, n) },
						func(n int) []float32 { return guard.Before(t, n) },
					}
					for i, s := range []struct{ lines, taps, k, panels int }{{1, 1, 1, 1}, {2, 3, 9, 1}, {1, 2, 5, 2}, {3, 5, 6, 3}, {1, 7, 21, 1}, {2, 1, 4, 2}} {
						cols := width - (pixels+i)%k.Lanes
						c := randomCall(rng, size{s.lines, pixels, s.taps, s.k, width, s.panels, cols}, places[i%2])
						Run(isa, c)
						check(t, c)
						if t.Failed() {
							t.Logf("%+v, %d columns", s, cols)
						}
					}
				})
			}
		}
	})
}

// The tile a pixel falls into changes no bit, nor does the width of its panel.
func TestTilesAgree(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		isa := cpu.Level()
		k := gemm.For(isa)
		rng := rand.New(rand.NewPCG(2, uint64(isa)))
		for _, width := range k.Widths {
			whole := randomCall(rng, size{1, 40, 3, 7, width, 1, width}, heap)
			whole.Lo, whole.Hi = float32(math.Inf(-1)), float32(math.Inf(1))
			whole.Residual = nil
			Run(isa, whole)
			for x := range whole.Pixels {
				c := *whole
				c.Width, c.Cols = k.Widths[0], k.Widths[0]
				c.Pixels, c.A, c.C = 1, whole.A[x*c.APixel:], make([]float32, c.Width)
				c.B = make([]float32, c.Taps*c.K*c.Width)
				for i := range c.Taps * c.K {
					copy(c.B[i*c.Width:][:c.Width], whole.B[i*width:])
				}
				Run(isa, &c)
				if got := whole.C[x*c.CPixel:][:c.Width]; !slices.Equal(got, c.C) {
					t.Fatalf("width %d, pixel %d: %v, alone %v", width, x, got, c.C)
				}
			}
		}
	})
}

func TestResidualInPlace(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		isa := cpu.Level()
		k := gemm.For(isa)
		c := randomCall(rand.New(rand.NewPCG(3, 3)), size{2, 2*k.Rows - 1, 2, 9, k.Width, 2, k.Width - 1}, heap)
		c.Residual, c.RLine, c.RPixel = make([]float32, len(c.C)), c.CLine, c.CPixel
		for i := range c.Residual {
			c.Residual[i] = float32(i % 5)
		}
		Run(isa, c)
		check(t, c)
		want := slices.Clone(c.C)
		copy(c.C, c.Residual)
		c.Residual = c.C
		Run(isa, c)
		for i, got := range c.C {
			if i%c.CPixel < 2*k.Width-1 && got != want[i] {
				t.Fatalf("element %d: %g in place, %g apart", i, got, want[i])
			}
		}
	})
}

func TestNaNStays(t *testing.T) {
	nan := float32(math.NaN())
	cputest.Each(t, func(t *testing.T) {
		isa := cpu.Level()
		k := gemm.For(isa)
		for _, where := range []string{"A", "B", "Bias", "Residual"} {
			c := randomCall(rand.New(rand.NewPCG(4, 4)), size{1, 1, 1, 1, k.Width, 1, k.Width}, heap)
			c.Residual = make([]float32, len(c.C))
			c.Lo, c.Hi = 0, 6
			map[string][]float32{"A": c.A, "B": c.B, "Bias": c.Bias, "Residual": c.Residual}[where][0] = nan
			Run(isa, c)
			if got := c.C[0]; got == got {
				t.Errorf("NaN in %s became %g", where, got)
			}
		}
	})
}

func TestCallIsChecked(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		isa := cpu.Level()
		k := gemm.For(isa)
		for name, spoil := range map[string]func(c *Call){
			"no lines":   func(c *Call) { c.Lines = 0 },
			"no pixels":  func(c *Call) { c.Pixels = 0 },
			"taps":       func(c *Call) { c.Taps = 0 },
			"k":          func(c *Call) { c.K = 0 },
			"panels":     func(c *Call) { c.Panels = 0 },
			"width":      func(c *Call) { c.Width += 3 },
			"cols":       func(c *Call) { c.Cols = c.Width + 1 },
			"few cols":   func(c *Call) { c.Cols = c.Width - k.Lanes },
			"distance":   func(c *Call) { c.APixel = -1 },
			"A":          func(c *Call) { c.A = c.A[1:] },
			"more lines": func(c *Call) { c.Lines++ },
			"B":          func(c *Call) { c.B = c.B[1:] },
			"bias":       func(c *Call) { c.Bias = c.Bias[1:] },
			"C":          func(c *Call) { c.C = c.C[1:] },
			"residual":   func(c *Call) { c.Residual = c.C[1:] },
		} {
			c := randomCall(rand.New(rand.NewPCG(5, 5)), size{2, 2, 2, 5, k.Width, 2, k.Width}, heap)
			c.RLine, c.RPixel = c.CLine, c.CPixel
			spoil(c)
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("wrong %s went unnoticed", name)
					}
				}()
				Run(isa, c)
			}()
		}
	})
}

func TestRunAllocatesNothing(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		isa := cpu.Level()
		k := gemm.For(isa)
		c := randomCall(rand.New(rand.NewPCG(6, 6)), size{2, 20, 2, 5, k.Width, 2, k.Width}, heap)
		if n := testing.AllocsPerRun(10, func() { Run(isa, c) }); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}
