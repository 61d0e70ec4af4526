package norm

import "math"

func layerGeneric(dst, src Rows, weight, bias []float32, eps float32, rows, n int) {
	for i := range rows {
		s, d := src.row(i, n), dst.row(i, n)
		var sum, squares float64
		for _, x := range s {
			sum += float64(x)
		}
		mean := sum / float64(n)
		for _, x := range s {
			e := float64(x) - mean
			squares += e * e
		}
		factor := 1 / math.Sqrt(squares/float64(n)+float64(eps))
		for j, x := range s {
			d[j] = float32((float64(x)-mean)*factor)*weight[j] + bias[j]
		}
	}
}

func softmaxGeneric(dst, src Rows, rows, n int) {
	for i := range rows {
		s, d := src.row(i, n), dst.row(i, n)
		top := s[0]
		for _, x := range s {
			top = max(top, x)
		}
		var sum float64
		for j, x := range s {
			e := math.Exp(float64(x - top))
			sum += e
			d[j] = float32(e)
		}
		for j := range d {
			d[j] = float32(float64(d[j]) / sum)
		}
	}
}

func lrnGeneric(dst, src Rows, size int, alpha, beta, k float32, rows, n int) {
	for i := range rows {
		s, d := src.row(i, n), dst.row(i, n)
		for j, x := range s {
			var squares float64
			for _, v := range s[max(0, j-size/2):min(n, j-size/2+size)] {
				squares += float64(v) * float64(v)
			}
			base := float64(k) + float64(alpha)/float64(size)*squares
			d[j] = float32(float64(x) * math.Pow(base, -float64(beta)))
		}
	}
}
