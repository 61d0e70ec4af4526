package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/_asm/emit"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/_asm/vmath"
)

// geluEnd is where GELU is taken for x, and -geluEnd for 0.
const geluEnd = 5.3

// integral is the normal distribution's from 0 to |x|: a polynomial for each of as many
// intervals as one operation can look up coefficients of, around multiples of step. The last
// one begins at geluEnd; there the integral is taken for 1/2.
type integral struct {
	step    float32
	top     float32     // the middle of the last interval
	centred bool        // polynomials are in the distance from the middle, not from 0
	tables  [][]float32 // of the intervals' coefficients, a table a power
	lookups []vmath.Lookup
}

func newIntegral(isa *emit.ISA) *integral {
	intervals, powers, centred := vmath.Entries, 4, false
	if !isa.Is512() {
		intervals, powers, centred = isa.Lanes, 7, true // wide intervals: far from 0 it would cancel
	}
	last := intervals - 1
	g := &integral{step: float32(geluEnd / (float64(last) - 0.5)), centred: centred}
	g.top = g.step * float32(last)
	normal := func(x float64) float64 { return math.Erf(x/math.Sqrt2) / 2 }
	for range powers {
		g.tables = append(g.tables, make([]float32, intervals))
	}
	for i := range last {
		middle, half := float64(i)*float64(g.step), float64(g.step)/2
		from, to, origin := max(0, middle-half), middle+half, 0.0
		if centred {
			origin = middle
		}
		c := fit(func(x float64) float64 { return normal(origin + x) }, from-origin, to-origin, powers)
		for k := range powers {
			g.tables[k][i] = c[k]
		}
	}
	g.tables[0][last] = 0.5
	return g
}

// roundInteger is the number to add to x for the sum to have the nearest integer in its
// last bits.
const roundInteger = float32(3 << 22)

func (f *function) pinGELU() {
	g := newIntegral(f.ISA)
	f.normal = g
	if f.Is512() {
		for _, table := range g.tables {
			g.lookups = append(g.lookups, f.Lookup([vmath.Entries]float32(table)))
		}
	}
	f.Pin(vmath.SignBit, roundInteger, g.top, 1/g.step, g.step, 0.5)
}

// gelu is x/2 + |x| times the integral from 0 to |x|.
func (f *function) gelu(x, temps [][]V) []V {
	g := f.normal
	y, size, t, u, p, c := x[0], temps[0], temps[1], temps[2], temps[3], temps[4]
	each(y, func(i int) { VANDNPS(y[i], f.R(vmath.SignBit), size[i]) })
	each(y, func(i int) { VMULPS(f.K(0.5), y[i], y[i]) })
	each(y, func(i int) { VMINPS(f.K(g.top), size[i], t[i]) })
	each(y, func(i int) { VMOVUPS(f.K(roundInteger), u[i]) })
	each(y, func(i int) { VFMADD231PS(f.K(1/g.step), t[i], u[i]) })
	if g.centred {
		each(y, func(i int) { VSUBPS(f.K(roundInteger), u[i], c[i]) })
		each(y, func(i int) { VFNMADD231PS(f.K(g.step), c[i], t[i]) })
	}
	highest := len(g.tables) - 1
	f.coefficients(highest, u, p)
	for k := highest - 1; k >= 0; k-- {
		f.coefficients(k, u, c)
		each(y, func(i int) { VFMADD213PS(c[i], t[i], p[i]) })
	}
	each(y, func(i int) { VFMADD231PS(p[i], size[i], y[i]) })
	return y
}

// coefficients looks up the k-th power's for the intervals whose numbers u has in its last
// bits.
func (f *function) coefficients(k int, u, c []V) {
	if !f.Is512() {
		each(u, func(i int) { VPERMPS(f.Constants(f.normal.tables[k]), u[i], c[i]) })
		return
	}
	each(u, func(i int) { VMOVAPS(u[i], c[i]) })
	each(u, func(i int) { f.normal.lookups[k].At(c[i]) })
}

// fit returns n coefficients of a polynomial near f on [from, to], lowest power first. From
// the highest on, each is rounded before those below it are chosen.
func fit(f func(float64) float64, from, to float64, n int) []float32 {
	c := make([]float32, n)
	for ; n > 0; n-- {
		// Divided differences, at Chebyshev's points, of what is left.
		x, d := make([]float64, n), make([]float64, n)
		for i := range x {
			x[i] = (from+to)/2 + (to-from)/2*math.Cos(math.Pi*(float64(i)+0.5)/float64(n))
			d[i] = f(x[i])
			for k := n; k < len(c); k++ {
				d[i] -= float64(c[k]) * math.Pow(x[i], float64(k))
			}
		}
		for j := 1; j < n; j++ {
			for i := n - 1; i >= j; i-- {
				d[i] = (d[i] - d[i-1]) / (x[i] - x[i-j])
			}
		}
		c[n-1] = float32(d[n-1])
	}
	return c
}
