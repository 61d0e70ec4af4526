// Package peak measures how fast a processor multiplies and adds, and how fast it reads:
// the bounds that kernels are held against.
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

// Read reads data, but for less than 1 KiB at its end.
func Read(isa cpu.ISA, data []float32) { read(isa, data) }

// genericFMA is the loop in plain Go, eight floats a turn.
//
//go:noinline
func genericFMA(turns int) (sum float32) {
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

// genericRead touches every cache line.
//
//go:noinline
func genericRead(data []float32) (sum float32) {
	const line = 16
	for i := 0; i < len(data); i += line {
		sum += data[i]
	}
	return sum
}
