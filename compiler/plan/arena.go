package plan

import (
	"cmp"
	"slices"
)

// Region is a stretch of the arena and when it holds something: from step First,
// which writes it, to step Last, the last to read it. First is -1 where the
// caller's input is put before the first step; Last is len(Steps) where an
// output is taken after the last.
type Region struct {
	Offset, Size int // floats, multiples of align
	First, Last  int
}

// align is what offsets and pitches are multiples of, in floats: one cache
// line, one vector of AVX-512.
const align = 16

// together reports whether two regions are alive at the same time.
func (r *Region) together(s *Region) bool { return r.First <= s.Last && s.First <= r.Last }

// overlap reports whether two regions share memory.
func (r *Region) overlap(s *Region) bool {
	return r.Offset < s.Offset+s.Size && s.Offset < r.Offset+r.Size
}

// lowerBound is the largest sum of sizes alive at once: no assignment of
// offsets needs less.
func lowerBound(regions []Region) int {
	last := 0
	for i := range regions {
		last = max(last, regions[i].Last)
	}
	// By step, the first being -1: how much more is alive than before.
	change := make([]int, last+3)
	for _, r := range regions {
		change[r.First+1] += r.Size
		change[r.Last+2] -= r.Size
	}
	most, alive := 0, 0
	for _, c := range change {
		alive += c
		most = max(most, alive)
	}
	return most
}

// assign chooses offsets such that regions alive together do not overlap, and
// returns the floats needed in all: a twentieth more than could be, if threads meet
// their own halves then.
func assign(regions []Region) (arena int) {
	offsets, arena := smallest(regions)
	limit := max(arena, lowerBound(regions)*21/20/align*align)
	arena = 0
	for i, at := range keepHalves(regions, offsets, limit) {
		regions[i].Offset = at
		arena = max(arena, at+regions[i].Size)
	}
	return arena
}

// orders are those in which regions are placed. Which is right depends on the network.
var orders = []func(a, b *Region) int{
	bySize,
	func(a, b *Region) int { return cmp.Or(cmp.Compare(b.area(), a.area()), bySize(a, b)) },
	func(a, b *Region) int { return cmp.Or(cmp.Compare(a.First, b.First), bySize(a, b)) },
}

// inOrder returns the numbers of the regions in an order.
func inOrder(regions []Region, order func(a, b *Region) int) []int {
	turn := make([]int, len(regions))
	for i := range turn {
		turn[i] = i
	}
	slices.SortStableFunc(turn, func(i, j int) int { return order(&regions[i], &regions[j]) })
	return turn
}

// toFront moves turn[n] to the front.
func toFront(turn []int, n int) {
	first := turn[n]
	copy(turn[1:], turn[:n])
	turn[0] = first
}

// smallest returns offsets that need the least memory. Finding these is NP-hard; placing
// one region after the other, each at the lowest offset where it fits, comes within a few
// per cent of the lower bound if the order is right: what ends highest is placed first in
// the next attempt. The best is kept.
func smallest(regions []Region) (offsets []int, arena int) {
	const attempts = 8 // for each order
	bound := lowerBound(regions)
	for _, order := range orders {
		turn := inOrder(regions, order)
		for range attempts {
			if offsets != nil && arena == bound {
				return offsets, arena
			}
			others, highest := firstFit(regions, turn)
			if size := others[turn[highest]] + regions[turn[highest]].Size; offsets == nil || size < arena {
				offsets, arena = others, size
			}
			toFront(turn, highest)
		}
	}
	return offsets, arena
}

// bySize puts large regions first, and early ones first among equals.
func bySize(a, b *Region) int {
	return cmp.Or(cmp.Compare(b.Size, a.Size), cmp.Compare(a.First, b.First))
}

// area is size times lifetime: how much of the rectangle of memory and time a
// region covers.
func (r *Region) area() int { return r.Size * (r.Last - r.First + 1) }

// firstFit places the regions in turn, each at the lowest offset where it meets none of
// those placed before that is alive with it. Turn highest is that of one that ends highest.
func firstFit(regions []Region, turn []int) (offsets []int, highest int) {
	offsets = make([]int, len(regions))
	end := 0
	var placed []int // by offset
	for n, i := range turn {
		r := &regions[i]
		at := 0
		for _, j := range placed {
			if !r.together(&regions[j]) {
				continue
			}
			if offsets[j] >= at+r.Size {
				break // it fits before j, and before all that follow
			}
			at = max(at, offsets[j]+regions[j].Size)
		}
		offsets[i] = at
		if at+r.Size > end {
			highest, end = n, at+r.Size
		}
		k, _ := slices.BinarySearchFunc(placed, at, func(j, at int) int { return cmp.Compare(offsets[j], at) })
		placed = slices.Insert(placed, k, i)
	}
	return offsets, highest
}
