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
	for p := range w.Count {
		for c0 := 0; c0 < w.Channels; c0 += sumBlock {
			var total [sumBlock]float32
			n := min(sumBlock, w.Channels-c0)
			for y := range w.Rows {
				var sum [sumBlock]float32
				for x := range w.Cols {
					for c, v := range src[p*w.SrcPitch+y*w.RowPitch+x*w.ColPitch+c0:][:n] {
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
