package ref

import "math"

// BatchNorm normalises each channel by its running statistics; mean and
// variance are [C], weight and bias [C] or nil for 1 and 0.
//
//	dst = (src - mean[c]) / sqrt(variance[c] + eps) * weight[c] + bias[c]
func BatchNorm(dst, src, mean, variance, weight, bias []float64, eps float64, d Dims) {
	scale, shift := make([]float64, d.C), make([]float64, d.C)
	for c := range d.C {
		scale[c] = at(weight, c, 1) / math.Sqrt(variance[c]+eps)
		shift[c] = at(bias, c, 0) - mean[c]*scale[c]
	}
	Affine(dst, src, scale, shift, d)
}

// Affine is dst = src*scale + shift a channel. Scale and shift are [C], or have
// one entry for all channels.
func Affine(dst, src, scale, shift []float64, d Dims) {
	for n := range d.N {
		for c := range d.C {
			a, b := scale[c%len(scale)], shift[c%len(shift)]
			to := d.plane(dst, n, c)
			for i, v := range d.plane(src, n, c) {
				to[i] = v*a + b
			}
		}
	}
}

// LayerNorm normalises each pixel over its channels by their mean and biased
// variance; weight and bias are [C], or nil for 1 and 0.
//
//	dst = (src - mean) / sqrt(variance + eps) * weight[c] + bias[c]
func LayerNorm(dst, src, weight, bias []float64, eps float64, d Dims) {
	d.eachPixel(func(index func(c int) int) {
		mean, variance := 0.0, 0.0
		for c := range d.C {
			mean += src[index(c)] / float64(d.C)
		}
		for c := range d.C {
			e := src[index(c)] - mean
			variance += e * e / float64(d.C)
		}
		for c := range d.C {
			dst[index(c)] = (src[index(c)]-mean)/math.Sqrt(variance+eps)*at(weight, c, 1) + at(bias, c, 0)
		}
	})
}

// LRN is local response normalisation across channels, over size of them, the
// middle one (the one above the middle if size is even) being c; PyTorch's:
//
//	dst[c] = src[c] / (k + alpha/size * sum of src[q]^2)^beta,  q from c - size/2 to c + (size-1)/2
func LRN(dst, src []float64, size int, alpha, beta, k float64, d Dims) {
	d.eachPixel(func(index func(c int) int) {
		for c := range d.C {
			squares := 0.0
			for q := max(0, c-size/2); q <= min(d.C-1, c+(size-1)/2); q++ {
				squares += src[index(q)] * src[index(q)]
			}
			dst[index(c)] = src[index(c)] / math.Pow(k+alpha/float64(size)*squares, beta)
		}
	})
}

// GRN is global response normalisation: n is each channel's Euclidean norm over the
// image's pixels, divided by the mean of all channels' norms plus eps.
//
//	dst = src + weight[c]*src*n[c] + bias[c]
func GRN(dst, src, weight, bias []float64, eps float64, d Dims) {
	norm := make([]float64, d.C)
	for n := range d.N {
		mean := 0.0
		for c := range d.C {
			squares := 0.0
			for _, v := range d.plane(src, n, c) {
				squares += v * v
			}
			norm[c] = math.Sqrt(squares)
			mean += norm[c] / float64(d.C)
		}
		for c := range d.C {
			to := d.plane(dst, n, c)
			for i, v := range d.plane(src, n, c) {
				to[i] = v + weight[c]*v*(norm[c]/(mean+eps)) + bias[c]
			}
		}
	}
}

// Softmax scales the exponentials of each pixel's channels to sum to 1.
func Softmax(dst, src []float64, d Dims) {
	d.eachPixel(func(index func(c int) int) {
		top := math.Inf(-1)
		for c := range d.C {
			top = max(top, src[index(c)])
		}
		total := 0.0
		for c := range d.C {
			dst[index(c)] = math.Exp(src[index(c)] - top)
			total += dst[index(c)]
		}
		for c := range d.C {
			dst[index(c)] /= total
		}
	})
}

// eachPixel calls f for every pixel of every image; index gives the position of
// its channel c.
func (d Dims) eachPixel(f func(index func(c int) int)) {
	hw := d.H * d.W
	for n := range d.N {
		for p := range hw {
			f(func(c int) int { return (n*d.C+c)*hw + p })
		}
	}
}
