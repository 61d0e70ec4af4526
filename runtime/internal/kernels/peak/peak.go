// Package peak measures how fast a processor multiplies and adds: the bound that
// kernels are held against.
package peak

//go:generate go -C ../_asm run ./peak -out ../peak/peak_amd64.s -stubs ../peak/peak_amd64.go -pkg peak

import (
	"time"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
)

// Burst multiplies and adds in registers for some 50 to 200 microseconds and
// returns the floating-point operations a second of this thread, a multiply-add
// being two.
func Burst(isa cpu.ISA) float64 {
	const turns = 25_000
	start := time.Now()
	floats := fma(isa, turns)
	return 2 * float64(floats) * turns / time.Since(start).Seconds()
}

// generic is the loop in plain Go, eight floats a turn.
//
//go:noinline
func generic(turns int) (sum float32) {
	var a, b, c, d, e, f, g, h float32
	x, y := float32(0.5), float32(1)
	for range turns {
		a = a*x + y
		b = b*x + y
		c = c*x + y
		d = d*x + y
		e = e*x + y
		f = f*x + y
		g = g*x + y
		h = h*x + y
	}
	return a + b + c + d + e + f + g + h
}
