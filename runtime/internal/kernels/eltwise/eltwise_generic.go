package eltwise

import "math"

func actGeneric(f Func, slope float32, dst, src Rows, rows, n int) {
	if lo, hi, ok := f.Bounds(); ok {
		for i := range rows {
			d := dst.row(i, n)
			for j, x := range src.row(i, n) {
				d[j] = clamp(x, lo, hi)
			}
		}
		return
	}
	for i := range rows {
		d := dst.row(i, n)
		for j, x := range src.row(i, n) {
			d[j] = apply(f, slope, x)
		}
	}
}

func addGeneric(dst, a, b Rows, rows, n int, lo, hi float32) {
	for i := range rows {
		d, y := dst.row(i, n), b.row(i, n)
		for j, x := range a.row(i, n) {
			d[j] = clamp(x+y[j], lo, hi)
		}
	}
}

func mulGeneric(dst, a, b Rows, rows, n int) {
	for i := range rows {
		d, y := dst.row(i, n), b.row(i, n)
		for j, x := range a.row(i, n) {
			d[j] = x * y[j]
		}
	}
}

func affineGeneric(dst, src Rows, scale, shift []float32, rows, n int, lo, hi float32) {
	for i := range rows {
		d := dst.row(i, n)
		for j, x := range src.row(i, n) {
			d[j] = clamp(x*scale[j]+shift[j], lo, hi)
		}
	}
}

// clamp is min(max(x, lo), hi), and NaN of NaN.
func clamp(x, lo, hi float32) float32 {
	if x < lo {
		return lo
	}
	if x > hi {
		return hi
	}
	return x
}

// apply is one activation, computed in float64 where it takes more than a few
// operations, and rounded once.
func apply(f Func, slope, x float32) float32 {
	switch f {
	case LeakyReLU:
		if x > 0 {
			return x
		}
		return x * slope
	case HardSigmoid:
		return clamp(x+3, 0, 6) / 6
	case HardSwish:
		return x * (clamp(x+3, 0, 6) / 6)
	}
	v := float64(x)
	switch f {
	case Sigmoid:
		v = 1 / (1 + math.Exp(-v))
	case Tanh:
		v = math.Tanh(v)
	case SiLU:
		v = v / (1 + math.Exp(-v))
	case GELU:
		v = v * 0.5 * math.Erfc(-v/math.Sqrt2)
	case GELUTanh:
		v = v * 0.5 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(v+0.044715*v*v*v)))
	}
	return float32(v)
}
