//go:build !amd64 || purego

package pool

func maximum(dst, src []float32, w *Window) { maxGeneric(dst, src, w) }

func sum(dst, src []float32, w *Window, factor float32) { sumGeneric(dst, src, w, factor) }

func squares(dst, src []float32, w *Window, factor float32) { squaresGeneric(dst, src, w, factor) }

func sumAffine(dst, src []float32, w *Window, f *Affine, factor float32) {
	sumAffineGeneric(dst, src, w, f, factor)
}
