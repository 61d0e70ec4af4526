package depthwise

import "github.com/cnnc-dev/cnnc/runtime/internal/kernels/window"

// generic is Run in plain Go.
func (c *Conv) generic(call *window.Call) {
	w := c.window
	for y := call.FromY; y < call.ToY; y++ {
		first, end, top := w.Rows(y)
		for x := range w.OutW {
			for from := call.FromC; from < call.ToC; from += c.lanes {
				n := min(c.lanes, call.ToC-from)
				var sums [16]float32
				copy(sums[:], c.bias[from:][:c.lanes])
				block := c.weights[from*w.Taps():][:c.lanes*w.Taps()]
				for ky := first; ky < end; ky++ {
					for kx := range w.KernelW {
						inX := x*w.StrideW - w.PadLeft + kx*w.DilationW
						if inX < 0 || inX >= w.InW {
							continue
						}
						tap := block[(ky*w.KernelW+kx)*c.lanes:][:n]
						in := call.Src.Data[((top+ky*w.DilationH)*w.InW+inX)*call.Src.Pitch+from:][:n]
						for i, v := range in {
							sums[i] += tap[i] * v
						}
					}
				}
				call.Store(y*w.OutW+x, from, sums[:n])
			}
		}
	}
}
