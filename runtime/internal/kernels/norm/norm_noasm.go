//go:build !amd64 || purego

package norm

func layer(dst, src Rows, weight, bias []float32, eps float32, rows, n int) {
	layerGeneric(dst, src, weight, bias, eps, rows, n)
}

func softmax(dst, src Rows, rows, n int) { softmaxGeneric(dst, src, rows, n) }

func lrn(dst, src Rows, size int, alpha, beta, k float32, rows, n int) {
	lrnGeneric(dst, src, size, alpha, beta, k, rows, n)
}
