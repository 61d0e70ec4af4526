package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// f2x2 is F(2x2,3x3), with points 0, 1, -1 and infinity:
//
//	     1  0 -1  0
//	Bᵀ = 0  1  1  0    Aᵀ = 1  1  1  0
//	     0 -1  1  0         0  1 -1 -1
//	     0  1  0 -1
var f2x2 = &variant{
	name: "2x2", side: 4,
	inputPairs: []pair{
		{[2]int{1, 2}, func(f *function, at func(r int) Mem, a, b, s *V, mask Op) {
			f.Load(at(2), *a, mask)
			f.Load(at(1), *b, mask)
			VADDPS(*b, *a, *s)
			VSUBPS(*b, *a, *b)
			*a, *s = *s, *a
		}},
		{[2]int{3, 0}, func(f *function, at func(r int) Mem, a, b, _ *V, mask Op) {
			f.Load(at(1), *a, mask)
			f.subtract(at(3), *a, mask)
			f.Load(at(0), *b, mask)
			f.subtract(at(2), *b, mask)
		}},
	},
	inputRow: func(f *function, x []V, store func(v V, column int)) {
		VSUBPS(x[2], x[0], x[0])
		store(x[0], 0)
		VADDPS(x[1], x[2], f.spare)
		store(f.spare, 1)
		VSUBPS(x[1], x[2], x[2])
		store(x[2], 2)
		VSUBPS(x[3], x[1], x[1])
		store(x[1], 3)
	},
	outputPairs: []pair{
		{[2]int{0, 1}, func(_ *function, at func(r int) Mem, a, b, s *V, _ Op) {
			VMOVUPS(at(1), *b)
			VMOVUPS(at(2), *s)
			VADDPS(*s, *b, *a)
			VADDPS(at(0), *a, *a)
			VSUBPS(*s, *b, *b)
			VSUBPS(at(3), *b, *b)
		}},
	},
	outputRow: func(f *function, x []V) []V {
		VADDPS(x[2], x[1], f.spare)
		VADDPS(f.spare, x[0], x[0])
		VSUBPS(x[2], x[1], x[1])
		VSUBPS(x[3], x[1], x[1])
		return []V{x[0], x[1]}
	},
	weightsFirst: 1,
	weightsPairs: []product{
		func(x [3]V, p, q, s V) {
			VADDPD(x[2], x[0], p)
			times(1./2, p, p)
			times(1./2, x[1], s)
			VSUBPD(s, p, q)
			VADDPD(s, p, p)
		},
	},
}
