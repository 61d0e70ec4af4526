// Package permute puts floats in another order: channels of pixels, planes into pixels.
package permute

//go:generate go -C ../_asm run ./permute -out ../permute/kernel_amd64.s -stubs ../permute/kernel_amd64.go -pkg permute

import (
	"slices"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
)

// Permutation is an order of floats, prepared for an instruction set.
type Permutation struct {
	isa    cpu.ISA
	index  []int
	extent int
	steps  []step // empty if plain Go does better
}

// step is one step of making a vector: some of its lanes come from a window of as many
// floats as it has lanes. The first step of a vector sets all of them; the generator knows
// the fields.
type step struct {
	offset int       // where the window begins, in bytes
	lanes  uint32    // a bit each
	last   uint32    // 1 for the vector's last
	index  [16]int32 // lane to float of the window; AVX2: of eight lanes, then their mask
}

// lanesOf is the floats of a vector.
var lanesOf = [...]int{cpu.Generic: 1, cpu.AVX2: 8, cpu.AVX512: 16}

// New prepares an order: index says where each float comes from, of extent floats.
func New(isa cpu.ISA, index []int, extent int) *Permutation {
	p := &Permutation{isa: isa, index: slices.Clone(index), extent: extent}
	lanes := lanesOf[isa]
	if lanes == 1 || extent < lanes {
		return p
	}
	for from := 0; from < len(index); from += lanes {
		p.steps = appendVector(p.steps, lanes, index[from:min(from+lanes, len(index))], extent)
	}
	const most = 2 // floats a step that plain Go takes no longer for
	if len(p.steps)*most > len(index) {
		p.steps = nil
	}
	return p
}

// appendVector appends the steps of one vector, of up to so many lanes.
func appendVector(steps []step, lanes int, index []int, extent int) []step {
	missing := slices.Sorted(slices.Values(index))
	for len(missing) > 0 {
		from := min(missing[0], extent-lanes)
		s := step{offset: 4 * from}
		for lane, at := range index {
			if from <= at && at < from+lanes {
				s.take(lanes, lane, at-from)
			}
		}
		missing = slices.DeleteFunc(missing, func(at int) bool { return at < from+lanes })
		if len(missing) == 0 {
			s.last = 1
		}
		steps = append(steps, s)
	}
	return steps
}

// take has a lane come from float at of the window.
func (s *step) take(lanes, lane, at int) {
	s.lanes |= 1 << lane
	s.index[lane] = int32(at)
	if lanes == 8 {
		s.index[8+lane] = -1
	}
}

// Run is
//
//	for t := range turns {
//		for j, at := range index {
//			dst[t*dstStep+j] = src[t*srcStep+at]
//		}
//	}
//
// dst and src must not overlap.
func (p *Permutation) Run(dst []float32, dstStep int, src []float32, srcStep, turns int) {
	if turns < 1 || len(p.index) == 0 {
		return
	}
	_ = dst[(turns-1)*dstStep+len(p.index)-1]
	_ = src[(turns-1)*srcStep+p.extent-1]
	if len(p.steps) == 0 {
		generic(p.index, dst, dstStep, src, srcStep, turns)
		return
	}
	run(p.isa, p.steps, len(p.index), dst, dstStep, src, srcStep, turns)
}

func generic(index []int, dst []float32, dstStep int, src []float32, srcStep, turns int) {
	for t := range turns {
		to, from := dst[t*dstStep:][:len(index)], src[t*srcStep:]
		for j, at := range index {
			to[j] = from[at]
		}
	}
}

// Interleave3 makes n pixels of three planes, stride floats apart:
//
//	dst[3*i+c] = planes[c*stride+i]
//
// dst and planes must not overlap.
func Interleave3(isa cpu.ISA, dst, planes []float32, stride, n int) {
	if n < 1 {
		return
	}
	_, _ = dst[3*n-1], planes[2*stride+n-1]
	done := 0
	if steps := interleave[isa]; len(steps) > 0 {
		var here [9]step
		copy(here[:], steps)
		for i := range here {
			here[i].offset = 4 * (i % 3) * stride
		}
		lanes := lanesOf[isa]
		if turns := n / lanes; turns > 0 {
			run(isa, here[:], 3*lanes, dst, 3*lanes, planes, lanes, turns)
			done = turns * lanes
		}
	}
	for i := done; i < n; i++ {
		dst[3*i], dst[3*i+1], dst[3*i+2] = planes[i], planes[stride+i], planes[2*stride+i]
	}
}

// interleave is the steps that make three vectors of pixels; where the planes lie is left
// open.
var interleave = [...][]step{cpu.AVX2: interleaving(8), cpu.AVX512: interleaving(16)}

func interleaving(lanes int) []step {
	var steps []step
	for v := range 3 {
		for plane := range 3 {
			var s step
			for lane := range lanes {
				if at := v*lanes + lane; at%3 == plane {
					s.take(lanes, lane, at/3)
				}
			}
			steps = append(steps, s)
		}
		steps[len(steps)-1].last = 1
	}
	return steps
}
