//go:build !amd64 || purego

package pool

func maximum(dst, src []float32, w *Window) { maxGeneric(dst, src, w) }

func sum(dst, src []float32, w *Window, factor float32) { sumGeneric(dst, src, w, factor) }
