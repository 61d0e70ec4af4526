//go:build !amd64 || purego

package eltwise

func act(f Func, slope float32, dst, src Rows, rows, n int) {
	actGeneric(f, slope, dst, src, rows, n)
}

func add(dst, a, b Rows, rows, n int, lo, hi float32) {
	addGeneric(dst, a, b, rows, n, lo, hi)
}

func mul(dst, a, b Rows, rows, n int) {
	mulGeneric(dst, a, b, rows, n)
}

func affine(dst, src Rows, scale, shift []float32, rows, n int, lo, hi float32) {
	affineGeneric(dst, src, scale, shift, rows, n, lo, hi)
}
