package picture

import "math"

// kernel is a filter of a resize: its weight at a distance, 0 from support on. Distances are
// in pixels of the picture or of the result, whichever are larger: that is antialiasing.
type kernel struct {
	support float64
	weight  func(x float64) float64
}

// kernels are Pillow's, by the names of the language. Nearest has none.
var kernels = map[string]kernel{
	"box": {0.5, func(x float64) float64 {
		if -0.5 < x && x <= 0.5 {
			return 1
		}
		return 0
	}},
	"bilinear": {1, func(x float64) float64 { return max(0, 1-math.Abs(x)) }},
	"bicubic": {2, func(x float64) float64 { // Keys 1981
		const a = -0.5
		switch x = math.Abs(x); {
		case x < 1:
			return ((a+2)*x-(a+3))*x*x + 1
		case x < 2:
			return (((x-5)*x+8)*x - 4) * a
		}
		return 0
	}},
	"lanczos": {3, func(x float64) float64 {
		if -3 <= x && x < 3 {
			return sinc(x) * sinc(x/3)
		}
		return 0
	}},
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	x *= math.Pi
	return math.Sin(x) / x
}

// Sums are of products of 8-bit values and weights of so many fractional bits, as Pillow's.
const fraction = 32 - 8 - 2

// window is what a value of the result is made of: those from first on, by weights. It has
// none where there is nothing but the zeros around a picture smaller than the crop.
type window struct {
	first   int
	weights []int32
}

// windows returns those of a crop from the middle of an axis of so many pixels, resized to
// resized, as torchvision's center_crop has it: what is between two pixels goes to the even one.
func windows(size, resized, crop int, filter string) []window {
	list := make([]window, crop)
	from := -((crop - resized) / 2)
	if crop < resized {
		from = int(math.RoundToEven(float64(resized-crop) / 2))
	}
	first, end := max(0, from), min(resized, from+crop)
	scale := float64(size) / float64(resized)
	nearest := scale / 2 // added up, as Pillow does, whose rounding decides between two pixels
	for range first {
		nearest += scale
	}
	for at := first; at < end; at++ {
		if filter == "nearest" {
			list[at-from] = window{min(int(nearest), size-1), []int32{1 << fraction}}
			nearest += scale
		} else {
			list[at-from] = kernels[filter].window(size, scale, at)
		}
	}
	return list
}

// window returns that of the pixel at, as Pillow's precompute_coeffs has it.
func (k kernel) window(size int, scale float64, at int) window {
	stretch := max(scale, 1)
	support := k.support * stretch
	center := (float64(at) + 0.5) * scale
	first := max(0, int(center-support+0.5))
	end := min(size, int(center+support+0.5))
	weights := make([]float64, end-first)
	sum := 0.0
	for i := range weights {
		weights[i] = k.weight((float64(i+first) - center + 0.5) / stretch)
		sum += weights[i]
	}
	w := window{first, make([]int32, len(weights))}
	for i, v := range weights {
		if sum != 0 {
			v /= sum
		}
		w.weights[i] = int32(v*(1<<fraction) + math.Copysign(0.5, v))
	}
	return w
}

// sum is the value of a window: of values that are so far apart in line.
func (w window) sum(line []uint8, apart int) uint8 {
	if len(w.weights) == 0 {
		return 0
	}
	total := int32(1 << (fraction - 1))
	at := w.first * apart
	for _, weight := range w.weights {
		total += int32(line[at]) * weight
		at += apart
	}
	return uint8(min(max(total>>fraction, 0), 255))
}

// resize returns the crop [cropH][cropW][channels] of a picture that has been resized to
// w x h: of its rows first, those that are needed, then of its columns, with 8 bits in between.
func (p *pixels) resize(w, h, cropW, cropH int, filter string) *pixels {
	across, down := windows(p.w, w, cropW, filter), windows(p.h, h, cropH, filter)
	first, end := p.h, 0
	for _, window := range down {
		if n := len(window.weights); n > 0 {
			first, end = min(first, window.first), max(end, window.first+n)
		}
	}
	stride := cropW * p.channels
	rows := make([]uint8, 0, stride*(end-first))
	for y := first; y < end; y++ {
		line := p.data[y*p.w*p.channels:][:p.w*p.channels]
		for _, window := range across {
			for c := range p.channels {
				rows = append(rows, window.sum(line[c:], p.channels))
			}
		}
	}
	out := &pixels{w: cropW, h: cropH, channels: p.channels, data: make([]uint8, 0, stride*cropH)}
	for _, window := range down {
		window.first = max(0, window.first-first)
		for x := range stride {
			out.data = append(out.data, window.sum(rows[x:], stride))
		}
	}
	return out
}
