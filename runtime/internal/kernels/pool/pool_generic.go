package pool

import "math"

func maxGeneric(dst, src []float32, w *Window) {
	for p := range w.Count {
		d := dst[p*w.DstPitch:][:w.Channels]
		for c := range d {
			d[c] = float32(math.Inf(-1))
		}
		for y := range w.Rows {
			for x := range w.Cols {
				for c, v := range src[p*w.SrcPitch+y*w.RowPitch+x*w.ColPitch:][:w.Channels] {
					if !(v <= d[c]) && d[c] == d[c] { // v is greater, or NaN; a NaN stays
						d[c] = v
					}
				}
			}
		}
	}
}

// sumBlock is how many channels are summed at a time.
const sumBlock = 64

func sumGeneric(dst, src []float32, w *Window, factor float32) {
	addGeneric(dst, src, w, nil, false, factor)
}

func sumAffineGeneric(dst, src []float32, w *Window, f *Affine, factor float32) {
	addGeneric(dst, src, w, f, false, factor)
}

func squaresGeneric(dst, src []float32, w *Window, factor float32) {
	addGeneric(dst, src, w, nil, true, factor)
}

// addGeneric sums the pixels, what f makes of them, if it is not nil, or their squares.
func addGeneric(dst, src []float32, w *Window, f *Affine, square bool, factor float32) {
	var changed [sumBlock]float32
	for p := range w.Count {
		for c0 := 0; c0 < w.Channels; c0 += sumBlock {
			var total [sumBlock]float32
			n := min(sumBlock, w.Channels-c0)
			for y := range w.Rows {
				var sum [sumBlock]float32
				for x := range w.Cols {
					pixel := src[p*w.SrcPitch+y*w.RowPitch+x*w.ColPitch+c0:][:n]
					if f != nil {
						f.apply(changed[:n], pixel, c0)
						pixel = changed[:n]
					}
					if square {
						for c, v := range pixel {
							sum[c] += v * v
						}
						continue
					}
					for c, v := range pixel {
						sum[c] += v
					}
				}
				for c := range n {
					total[c] += sum[c]
				}
			}
			for c := range n {
				dst[p*w.DstPitch+c0+c] = total[c] * factor
			}
		}
	}
}

// apply computes channels of a pixel, from the one numbered first on.
func (f *Affine) apply(dst, src []float32, first int) {
	scale, shift := f.Scale[first:], f.Shift[first:]
	for c, x := range src {
		x = x*scale[c] + shift[c]
		if x < f.Lo {
			x = f.Lo
		}
		if x > f.Hi {
			x = f.Hi
		}
		dst[c] = x
	}
}
