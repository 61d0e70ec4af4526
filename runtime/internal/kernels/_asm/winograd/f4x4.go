package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// f4x4 is F(4x4,3x3), with points 0, 1, -1, 2, -2 and infinity:
//
//	     4  0 -5  0  1  0
//	     0 -4 -4  1  1  0         1  1  1  1  1  0
//	Bᵀ = 0  4 -4 -1  1  0    Aᵀ = 0  1 -1  2 -2  0
//	     0 -2 -1  2  1  0         0  1  1  4  4  0
//	     0  2 -1 -2  1  0         0  1 -1  8 -8  1
//	     0  4  0 -5  0  1
var f4x4 = &variant{
	name: "4x4", side: 6,
	inputPairs: []pair{
		{[2]int{1, 2}, func(f *function, at func(r int) Mem, a, b, s *V, mask Op) {
			f.Load(at(4), *a, mask)
			f.addTimes(-4, at(2), *a, mask)
			f.Load(at(3), *b, mask)
			f.addTimes(-4, at(1), *b, mask)
			VADDPS(*b, *a, *s)
			VSUBPS(*b, *a, *b)
			*a, *s = *s, *a
		}},
		{[2]int{3, 4}, func(f *function, at func(r int) Mem, a, b, s *V, mask Op) {
			f.Load(at(4), *a, mask)
			f.subtract(at(2), *a, mask)
			f.Load(at(3), *b, mask)
			f.subtract(at(1), *b, mask)
			VMOVAPS(*a, *s)
			VFMADD231PS(f.K(2), *b, *s)
			VFNMADD231PS(f.K(2), *b, *a)
			*a, *b, *s = *s, *a, *b
		}},
		{[2]int{5, 0}, func(f *function, at func(r int) Mem, a, b, _ *V, mask Op) {
			f.Load(at(5), *a, mask)
			f.addTimes(-5, at(3), *a, mask)
			f.addTimes(4, at(1), *a, mask)
			f.Load(at(4), *b, mask)
			f.addTimes(-5, at(2), *b, mask)
			f.addTimes(4, at(0), *b, mask)
		}},
	},
	inputRow:    inputRow4x4,
	inputPinned: []float32{4, 5},
	outputPairs: []pair{
		{[2]int{0, 2}, func(f *function, at func(r int) Mem, a, b, s *V, _ Op) {
			VMOVUPS(at(1), *b)
			VADDPS(at(2), *b, *b)
			VMOVUPS(at(3), *s)
			VADDPS(at(4), *s, *s)
			VADDPS(at(0), *b, *a)
			VADDPS(*s, *a, *a)
			VFMADD231PS(f.K(4), *s, *b)
		}},
		{[2]int{1, 3}, func(f *function, at func(r int) Mem, a, b, s *V, _ Op) {
			VMOVUPS(at(1), *a)
			VSUBPS(at(2), *a, *a)
			VMOVUPS(at(3), *s)
			VSUBPS(at(4), *s, *s)
			VADDPS(at(5), *a, *b)
			VFMADD231PS(f.K(2), *s, *a)
			VFMADD231PS(f.K(8), *s, *b)
		}},
	},
	outputRow:    outputRow4x4,
	weightsFirst: 1. / 4,
	weightsPairs: []product{
		func(x [3]V, p, q, s V) {
			VADDPD(x[2], x[0], p)
			times(-1./6, p, p)
			times(1./6, x[1], s)
			VADDPD(p, s, q)
			VSUBPD(s, p, p)
		},
		func(x [3]V, p, q, s V) {
			times(1./24, x[0], p)
			times(1./6, x[2], s)
			VADDPD(s, p, p)
			times(1./12, x[1], s)
			VSUBPD(s, p, q)
			VADDPD(s, p, p)
		},
	},
}

func inputRow4x4(f *function, x []V, store func(v V, column int)) {
	s := f.spare
	VMOVAPS(x[4], s)
	VFNMADD231PS(f.K(5), x[2], s)
	VFMADD231PS(f.K(4), x[0], s)
	store(s, 0)
	VFNMADD231PS(f.K(5), x[3], x[5])
	VFMADD231PS(f.K(4), x[1], x[5])
	store(x[5], 5)

	VMOVAPS(x[4], x[0])
	VFNMADD231PS(f.K(4), x[2], x[0])
	VMOVAPS(x[3], x[5])
	VFNMADD231PS(f.K(4), x[1], x[5])
	VADDPS(x[5], x[0], s)
	store(s, 1)
	VSUBPS(x[5], x[0], x[0])
	store(x[0], 2)

	VSUBPS(x[2], x[4], x[4])
	VSUBPS(x[1], x[3], x[3])
	VMOVAPS(x[4], x[5])
	VFMADD231PS(f.K(2), x[3], x[5])
	store(x[5], 3)
	VFNMADD231PS(f.K(2), x[3], x[4])
	store(x[4], 4)
}

func outputRow4x4(f *function, x []V) []V {
	s := f.spare
	VADDPS(x[2], x[1], s)
	VSUBPS(x[2], x[1], x[1])
	VADDPS(x[4], x[3], x[2])
	VSUBPS(x[4], x[3], x[3])
	VADDPS(s, x[0], x[0])
	VADDPS(x[2], x[0], x[0])
	VFMADD231PS(f.K(4), x[2], s)
	VMOVAPS(x[1], x[4])
	VFMADD231PS(f.K(2), x[3], x[4])
	VADDPS(x[5], x[1], x[1])
	VFMADD231PS(f.K(8), x[3], x[1])
	return []V{x[0], x[4], s, x[1]}
}
