package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/_asm/vmath"
)

// pinGELU pins what gelu wants pinned.
func (f *function) pinGELU() {
	if !f.Is512() {
		f.Pin(1, -1, geluScale, -0.5, 0.5)
		f.Pin(geluPoly...)
		return
	}
	for _, table := range geluCubics() {
		f.lookups = append(f.lookups, f.Lookup(table))
	}
	f.Pin(vmath.SignBit, geluTop, roundInteger, 1/geluStep, 0.5)
}

func (f *function) gelu(x, temps [][]V) []V {
	if f.Is512() {
		return f.gelu512(x[0], temps)
	}
	return f.gelu256(x[0], temps)
}

// The normal distribution's integral from 0 to x, for w = x/5.3 in [-1, 1], is w times a
// polynomial in w^2 - 1/2; centred like that, the polynomial does not cancel. At |w| = 1
// it gives 1/2 exactly, so that what lies beyond becomes x and 0.
var geluPoly = []float32{
	0.7069806, -0.70509595, 1.0443989, -1.6785996, 2.7204616, -4.289471, 6.415929, -8.963288,
	12.031679, -15.730833, 16.627203, -12.422805, 17.246237, -32.454185, 22.799297,
}

const geluScale = float32(1 / geluEnd)

// geluEnd is where GELU is taken for x, and -geluEnd for 0.
const geluEnd = 5.3

func (f *function) gelu256(x []V, temps [][]V) []V {
	w, v, p := temps[0], temps[1], temps[2]
	each(x, func(i int) { VMULPS(f.K(geluScale), x[i], w[i]) })
	each(x, func(i int) { VMINPS(w[i], f.R(1), w[i]) })
	each(x, func(i int) { VMAXPS(w[i], f.R(-1), w[i]) })
	each(x, func(i int) { VMOVAPS(w[i], v[i]) })
	each(x, func(i int) { VFMADD213PS(f.K(-0.5), w[i], v[i]) })
	f.Horner(p, v, geluPoly)
	each(x, func(i int) { VFMADD213PS(f.K(0.5), w[i], p[i]) })
	each(x, func(i int) { VMULPS(p[i], x[i], x[i]) })
	return x
}

// With AVX-512 that integral is a cubic for each of the intervals around multiples of
// geluStep: so there is little to compute, and to look up a coefficient takes one operation.
// The last interval begins at geluEnd, and there the cubic is 1/2.
const (
	geluStep = geluEnd / (vmath.Entries - 1.5)
	geluTop  = float32(geluStep * (vmath.Entries - 1))
)

// roundInteger is the number to add to x for the sum to have the nearest integer in its
// last bits.
const roundInteger = float32(3 << 22)

// geluCubics are the coefficients, a table a power.
func geluCubics() (tables [4][vmath.Entries]float32) {
	const last = vmath.Entries - 1
	normal := func(x float64) float64 { return math.Erf(x/math.Sqrt2) / 2 }
	for i := range last {
		middle := float64(i) * geluStep
		for k, c := range fit(normal, max(0, middle-geluStep/2), middle+geluStep/2, len(tables)) {
			tables[k][i] = c
		}
	}
	tables[0][last] = 0.5
	return tables
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

// gelu512 is x/2 + |x| times the integral from 0 to |x|.
func (f *function) gelu512(x []V, temps [][]V) []V {
	size, t, u, p, c := temps[0], temps[1], temps[2], temps[3], temps[4]
	each(x, func(i int) { VANDNPS(x[i], f.R(vmath.SignBit), size[i]) })
	each(x, func(i int) { VMULPS(f.K(0.5), x[i], x[i]) })
	each(x, func(i int) { VMINPS(f.K(geluTop), size[i], t[i]) })
	each(x, func(i int) { VMOVUPS(f.K(roundInteger), u[i]) })
	each(x, func(i int) { VFMADD231PS(f.K(1/geluStep), t[i], u[i]) })
	coefficients := func(k int, c []V) {
		each(x, func(i int) { VMOVAPS(u[i], c[i]) })
		each(x, func(i int) { f.lookups[k].At(c[i]) })
	}
	highest := len(f.lookups) - 1
	coefficients(highest, p)
	for k := highest - 1; k >= 0; k-- {
		coefficients(k, c)
		each(x, func(i int) { VFMADD213PS(c[i], t[i], p[i]) })
	}
	each(x, func(i int) { VFMADD231PS(p[i], size[i], x[i]) })
	return x
}
