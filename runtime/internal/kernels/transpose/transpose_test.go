package transpose

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/cpu/cputest"
	"github.com/cnnc-dev/cnnc/runtime/internal/guard"
)

const canary = 12345

// TestRun lays rows side by side between pages that trap, with canaries in the gaps.
func TestRun(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		for rows := 1; rows <= 40; rows++ {
			for _, n := range []int{1, 2, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 50} {
				for i, place := range []func(testing.TB, int) []float32{guard.Before, guard.After} {
					check(t, rng, place, rows, n, i*5)
				}
			}
		}
	})
}

func check(t *testing.T, rng *rand.Rand, place func(testing.TB, int) []float32, rows, n, gap int) {
	c := Call{Pitch: rows + gap, Order: rng.Perm(n), Stride: n + gap, Rows: rows}
	c.Src = place(t, (rows-1)*c.Stride+n)
	for i := range c.Src {
		c.Src[i] = float32(rng.NormFloat64())
	}
	c.Dst = place(t, (n-1)*c.Pitch+rows)
	for _, scaled := range []bool{false, true} {
		if scaled {
			c.Scale = make([]float64, rows)
			for j := range c.Scale {
				c.Scale[j] = rng.NormFloat64()
			}
		}
		for i := range c.Dst {
			c.Dst[i] = canary
		}
		Run(cpu.Level(), &c)
		for i, at := range c.Order {
			for j := range c.Pitch {
				want := float32(canary)
				if j < rows {
					want = c.Src[j*c.Stride+i]
					if scaled {
						want = float32(float64(want) * c.Scale[j])
					}
				}
				if at*c.Pitch+j < len(c.Dst) && c.Dst[at*c.Pitch+j] != want {
					t.Fatalf("%d rows of %d, gap %d, scaled %v: float %d of row %d is %v, want %v", rows, n, gap, scaled, i, j, c.Dst[at*c.Pitch+j], want)
				}
			}
		}
	}
}

// What is no number stays what it is.
func TestSpecial(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		const n = 16
		c := Call{Dst: make([]float32, n*n), Pitch: n, Src: make([]float32, n*n), Stride: n, Rows: n, Scale: make([]float64, n)}
		special := []float32{float32(math.NaN()), float32(math.Inf(-1)), math.MaxFloat32, math.SmallestNonzeroFloat32}
		for i := range c.Src {
			c.Src[i] = special[i%len(special)]
		}
		for i := range n {
			c.Order, c.Scale[i] = append(c.Order, i), 3
		}
		Run(cpu.Level(), &c)
		for i := range n {
			for j := range n {
				got, want := c.Dst[i*n+j], float32(float64(c.Src[j*n+i])*3)
				if got != want && (got == got || want == want) {
					t.Fatalf("%v became %v, want %v", c.Src[j*n+i], got, want)
				}
			}
		}
	})
}

func TestRefuses(t *testing.T) {
	for name, change := range map[string]func(*Call){
		"short source":      func(c *Call) { c.Src = c.Src[1:] },
		"short destination": func(c *Call) { c.Dst = c.Dst[1:] },
		"place":             func(c *Call) { c.Order[3] = 20 },
		"negative place":    func(c *Call) { c.Order[3] = -1 },
		"negative stride":   func(c *Call) { c.Stride = -1 },
		"few factors":       func(c *Call) { c.Scale = make([]float64, 15) },
	} {
		t.Run(name, func(t *testing.T) {
			c := Call{Dst: make([]float32, 20*16), Pitch: 16, Src: make([]float32, 16*20), Stride: 20, Rows: 16}
			for i := range 20 {
				c.Order = append(c.Order, i)
			}
			change(&c)
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			Run(cpu.Best, &c)
		})
	}
}

// BenchmarkRun packs panels of 32 rows, from memory to memory.
func BenchmarkRun(b *testing.B) {
	for isa := cpu.Generic; isa <= cpu.Best; isa++ {
		for _, n := range []int{576, 4096, 25088} {
			for _, scaled := range []bool{false, true} {
				b.Run(fmt.Sprintf("%s/%d/scaled=%v", isa, n, scaled), func(b *testing.B) {
					const width, some = 32, 512
					rows := (32 << 20) / n / width * width
					src, dst := make([]float32, rows*n), make([]float32, rows*n)
					c := Call{Pitch: width, Stride: n, Rows: width}
					if scaled {
						c.Scale = make([]float64, width)
					}
					for i := range n {
						c.Order = append(c.Order, i)
					}
					order := c.Order
					b.SetBytes(int64(4 * len(src)))
					for b.Loop() {
						for row := 0; row < rows; row += width {
							for from := 0; from < n; from += some {
								to := min(from+some, n)
								c.Src, c.Dst, c.Order = src[row*n+from:], dst[row*n:], order[from:to]
								Run(isa, &c)
							}
						}
					}
				})
			}
		}
	}
}
