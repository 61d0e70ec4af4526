package ref

import "math"

// PoolParams describes pooling by a sliding window; In.C equals Out.C. With
// ceil mode, the last windows hang over the padding: Out.H and Out.W say so.
type PoolParams struct {
	In, Out Dims
	Window
}

// MaxPool takes the maximum of each window's pixels inside the input, -Inf if
// there are none; a NaN among them wins.
func MaxPool(dst, src []float64, p PoolParams) {
	p.each(dst, src, func(plane []float64, y, x int) float64 {
		m := math.Inf(-1)
		for i := range p.KH {
			for j := range p.KW {
				sy, sx := y+i*p.DilationH, x+j*p.DilationW
				if 0 <= sy && sy < p.In.H && 0 <= sx && sx < p.In.W {
					m = max(m, plane[sy*p.In.W+sx])
				}
			}
		}
		return m
	})
}

// AvgPool takes the mean of each window. With countPad, padding counts as
// zeros, but not what hangs over it; without, only pixels inside the input
// count. Dilation is not looked at.
func AvgPool(dst, src []float64, p PoolParams, countPad bool) {
	p.each(dst, src, func(plane []float64, y, x int) float64 {
		yEnd, xEnd := min(y+p.KH, p.In.H+p.Bottom), min(x+p.KW, p.In.W+p.Right)
		counted := (yEnd - y) * (xEnd - x)
		y, x, yEnd, xEnd = max(y, 0), max(x, 0), min(yEnd, p.In.H), min(xEnd, p.In.W)
		if y >= yEnd || x >= xEnd {
			return 0
		}
		if !countPad {
			counted = (yEnd - y) * (xEnd - x)
		}
		return sum(plane, p.In.W, y, x, yEnd, xEnd) / float64(counted)
	})
}

// each sets every output pixel to f of its input plane and its window's first
// row and column, which may be negative.
func (p *PoolParams) each(dst, src []float64, f func(plane []float64, y, x int) float64) {
	for n := range p.In.N {
		for c := range p.In.C {
			s, d := p.In.plane(src, n, c), p.Out.plane(dst, n, c)
			for y := range p.Out.H {
				for x := range p.Out.W {
					d[y*p.Out.W+x] = f(s, y*p.StrideH-p.Top, x*p.StrideW-p.Left)
				}
			}
		}
	}
}

// AdaptiveAvgPool and AdaptiveMaxPool pool in to out.H x out.W with windows
// from floor(i*in/out) to ceil((i+1)*in/out), exclusive, on each axis. Pooling
// to 1x1 is global pooling.
func AdaptiveAvgPool(dst, src []float64, in, out Dims) {
	adaptive(dst, src, in, out, func(plane []float64, y0, x0, y1, x1 int) float64 {
		return sum(plane, in.W, y0, x0, y1, x1) / float64((y1-y0)*(x1-x0))
	})
}

// AdaptiveMaxPool is AdaptiveAvgPool with the maximum; a NaN wins.
func AdaptiveMaxPool(dst, src []float64, in, out Dims) {
	adaptive(dst, src, in, out, func(plane []float64, y0, x0, y1, x1 int) float64 {
		m := math.Inf(-1)
		for y := y0; y < y1; y++ {
			for _, v := range plane[y*in.W+x0 : y*in.W+x1] {
				m = max(m, v)
			}
		}
		return m
	})
}

func adaptive(dst, src []float64, in, out Dims, f func(plane []float64, y0, x0, y1, x1 int) float64) {
	start := func(i, in, out int) int { return i * in / out }
	end := func(i, in, out int) int { return ((i+1)*in + out - 1) / out }
	for n := range in.N {
		for c := range in.C {
			s, d := in.plane(src, n, c), out.plane(dst, n, c)
			for y := range out.H {
				for x := range out.W {
					d[y*out.W+x] = f(s,
						start(y, in.H, out.H), start(x, in.W, out.W),
						end(y, in.H, out.H), end(x, in.W, out.W))
				}
			}
		}
	}
}

// sum adds up rows [y0, y1) and columns [x0, x1) of a plane of width w.
func sum(plane []float64, w, y0, x0, y1, x1 int) float64 {
	total := 0.0
	for y := y0; y < y1; y++ {
		for _, v := range plane[y*w+x0 : y*w+x1] {
			total += v
		}
	}
	return total
}
