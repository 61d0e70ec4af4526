package pool

func maximum(dst, src []float32, w *Window) { maxGeneric(dst, src, w) }

func mean(dst, src []float32, w *Window, divisor float32) { meanGeneric(dst, src, w, divisor) }
