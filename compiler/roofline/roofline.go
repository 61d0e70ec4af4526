// Package roofline says how fast a step could run at best: what its algorithm has to
// compute and to move, and what a machine can. It is a bound, not a forecast. Whatever a
// kernel has to do besides (bias, activations, lanes and tiles that are not full) shows as
// distance from it.
package roofline

import (
	"fmt"

	"github.com/cnnc-dev/cnnc/compiler/plan"
	"github.com/cnnc-dev/cnnc/compiler/shape"
	"github.com/cnnc-dev/cnnc/runtime"
)

// Cache is the bytes that a thread's private caches hold, at most, of processors in use.
// What exceeds it of a map comes from memory, or goes there.
const Cache = 2 << 20

// Work is what a call has to do.
type Work struct {
	// MultiplyAdds are those of convolutions and linear layers, as many as the algorithm
	// makes; nothing else counts.
	MultiplyAdds float64
	Tiled        float64 // multiply-adds, too, but of tiles: see runtime.Conv.Tiled
	Memory       float64 // bytes of weights, and of maps what no private cache holds
	Cached       float64 // the other bytes of maps
}

// Machine is what so many threads reach together, a second.
type Machine struct {
	MultiplyAdds float64 // in registers
	Tiled        float64 // in tile registers
	Memory       float64 // bytes read of as many as the network has
	Cached       float64 // bytes read of private caches
}

// Limit is what bounds a step.
type Limit string

const (
	Compute Limit = "compute"
	Memory  Limit = "memory"
	Cached  Limit = "cache"
)

// Bound returns the time in seconds that w takes at least, if everything overlaps, and
// what takes that long.
func (m Machine) Bound(w Work) (seconds float64, by Limit) {
	seconds, by = w.MultiplyAdds/m.MultiplyAdds, Compute
	if w.Tiled > 0 {
		seconds += w.Tiled / m.Tiled
	}
	if t := w.Memory / m.Memory; t > seconds {
		seconds, by = t, Memory
	}
	if t := w.Cached / m.Cached; t > seconds {
		seconds, by = t, Cached
	}
	return seconds, by
}

// Of returns what a step does for so many images on so many threads. Weights are read once
// and come from memory, since all others pass between two of their uses. Each map that
// the step takes or makes passes once. Tiles compute the convolutions that tiled says.
func Of(s *plan.Step, images, threads int, tiled func(*runtime.Conv) bool) Work {
	w := computed(s.Op, tiled)
	w.MultiplyAdds *= float64(images)
	w.Tiled *= float64(images)
	move := func(m shape.Shape) {
		bytes := 4 * float64(m.Elems()) * float64(images)
		cached := min(bytes, Cache*float64(threads))
		w.Cached += cached
		w.Memory += bytes - cached
	}
	for _, in := range s.In {
		move(in)
	}
	if s.Residual != nil {
		move(s.Out)
	}
	move(s.Out)
	return w
}

// Data returns the bytes that a plan reads and writes: its weights, and the maps of a
// batch.
func Data(p *plan.Plan, batch int, tiled func(*runtime.Conv) bool) int {
	bytes := 4 * p.Arena * batch
	for i := range p.Steps {
		bytes += int(computed(p.Steps[i].Op, tiled).Memory)
	}
	return bytes
}

// computed returns the multiply-adds of an image, and the bytes of the weights as packed.
func computed(op any, tiled func(*runtime.Conv) bool) (w Work) {
	const float = 4
	switch o := op.(type) {
	case *plan.Chain:
		for i := range o.Links {
			link := computed(o.Links[i].Op, tiled)
			w.MultiplyAdds += link.MultiplyAdds
			w.Tiled += link.Tiled
			w.Memory += link.Memory
		}
	case *runtime.Conv:
		macs, weights := convolve(o)
		if tiled(o) {
			const parts = 3 * 2 // of bfloat16
			return Work{Tiled: macs, Memory: float64(parts * weights)}
		}
		return Work{MultiplyAdds: macs, Memory: float64(float * weights)}
	case *runtime.Linear:
		weights := o.In.Len() * o.Out
		return Work{MultiplyAdds: float64(weights), Memory: float64(float * weights)}
	case *runtime.Affine:
		w.Memory = float64(float * 2 * o.Shape.C)
	case *runtime.LayerNorm:
		w.Memory = float64(float * 2 * o.Shape.C)
	case *runtime.GRN:
		w.Memory = float64(float * 2 * o.Shape.C)
	}
	return w
}

// convolve returns the multiply-adds of an image, and the weights.
func convolve(o *runtime.Conv) (macs float64, weights int) {
	pairs := o.In.C / o.Groups * o.Out.C // of channels
	weights = pairs * o.Kernel.H * o.Kernel.W
	switch o.Algo {
	case runtime.Direct, runtime.RowTaps: // zeros around the map are multiplied like pixels
		return float64(weights) * float64(o.Out.Pixels()), weights
	case runtime.Grouped, runtime.Depthwise: // there are none
		taps := taps(o.In.H, o.Out.H, o.Kernel.H, o.Stride.H, o.Dilation.H, o.Pad.Top) *
			taps(o.In.W, o.Out.W, o.Kernel.W, o.Stride.W, o.Dilation.W, o.Pad.Left)
		return float64(pairs) * float64(taps), weights
	case runtime.Winograd4x4:
		// Transforms of 12 sums of each of 6 columns and 6 rows on the way in, and 10 of
		// each of 6 and 4 on the way out.
		return winograd(o, 4, 12*(6+6), 10*(6+4))
	case runtime.Winograd2x2:
		return winograd(o, 2, 4*(4+4), 4*(4+2))
	}
	panic(fmt.Sprintf("roofline: unknown algorithm %d", o.Algo))
}

// winograd counts, of a tile of side x side outputs, a product for each of its elements and
// pair of channels, and so many sums of transforms a channel.
func winograd(o *runtime.Conv, side, in, out int) (macs float64, weights int) {
	pairs, elements := o.In.C*o.Out.C, (side+2)*(side+2)
	tiles := (o.Out.H + side - 1) / side * ((o.Out.W + side - 1) / side)
	return float64(tiles) * float64(elements*pairs+in*o.In.C+out*o.Out.C), elements * pairs
}

// taps counts, along one axis, the pairs of an output and a tap of its kernel that is on
// the map.
func taps(in, out, kernel, stride, dilation, pad int) int {
	n := 0
	for x := range out {
		for k := range kernel {
			if at := x*stride + k*dilation - pad; 0 <= at && at < in {
				n++
			}
		}
	}
	return n
}
