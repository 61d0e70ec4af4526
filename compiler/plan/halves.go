package plan

import (
	"cmp"
	"math"
	"slices"
)

// Two threads divide the pixels of a map, and what each of them has written stays in its
// core's cache. Where memory is used again and what one thread writes lies where the other
// has written, lines are fetched from the other core's cache only to be overwritten: a
// depthwise convolution takes half as long again. So buffers share memory middle on middle,
// as far as there is room.

// strayed is how many floats of either region's halves lie on the other half of the other
// region, if they begin at the given offsets.
func (r *Region) strayed(at int, s *Region, other int) int {
	middle, otherMiddle := at+r.Size/2, other+s.Size/2
	return max(0, min(middle, other+s.Size)-max(at, otherMiddle)) + max(0, min(at+r.Size, otherMiddle)-max(middle, other))
}

// strayed is that of all regions that are not alive together.
func strayed(regions []Region, offsets []int) int {
	sum := 0
	for i := range regions {
		for j := range i {
			if r, s := &regions[i], &regions[j]; !r.together(s) {
				sum += r.strayed(offsets[i], s, offsets[j])
			}
		}
	}
	return sum
}

// keepHalves looks for offsets below the limit such that less strays than with the given
// ones, which it returns if there are none. What finds no room in one attempt is placed
// first in the next.
func keepHalves(regions []Region, offsets []int, limit int) []int {
	const attempts = 16 // for each order
	least := strayed(regions, offsets)
	for _, order := range orders {
		turn := inOrder(regions, order)
		for range attempts {
			others, stuck := middleFit(regions, turn, limit)
			if others == nil {
				toFront(turn, stuck)
				continue
			}
			if n := strayed(regions, others); n < least {
				offsets, least = others, n
			}
			break
		}
	}
	return offsets
}

// middleFit places the regions in turn, each where it strays least from those placed before.
// If there is no room for one below the limit, offsets is nil, and stuck its turn.
func middleFit(regions []Region, turn []int, limit int) (offsets []int, stuck int) {
	offsets = make([]int, len(regions))
	var placed []int // by offset
	for n, i := range turn {
		r := &regions[i]
		best, least := -1, math.MaxInt
		try := func(at int) {
			cost := 0
			for _, j := range placed {
				if s := &regions[j]; !r.together(s) {
					cost += r.strayed(at, s, offsets[j])
				}
			}
			if cost < least {
				best, least = at, cost
			}
		}
		free := func(from, to int) { // memory that r may lie in: at either end, or in the middle of another
			last := to - r.Size
			if last < from {
				return
			}
			try(from)
			for _, j := range placed {
				s := &regions[j]
				if at := offsets[j] + (s.Size-r.Size)/2/align*align; from < at && at < last && !r.together(s) {
					try(at)
				}
			}
			try(last)
		}
		from := 0
		for _, j := range placed {
			if s := &regions[j]; r.together(s) {
				free(from, offsets[j])
				from = max(from, offsets[j]+s.Size)
			}
		}
		free(from, limit)
		if best < 0 {
			return nil, n
		}
		offsets[i] = best
		k, _ := slices.BinarySearchFunc(placed, best, func(j, at int) int { return cmp.Compare(offsets[j], at) })
		placed = slices.Insert(placed, k, i)
	}
	return offsets, 0
}
