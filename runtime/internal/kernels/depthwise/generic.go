package depthwise

import "github.com/cnnc-dev/cnnc/runtime/internal/kernels/window"

// generic is Run in plain Go.
func (c *Conv) generic(call *window.Call) {
	for y := call.FromY; y < call.ToY; y++ {
		for x := range c.window.OutW {
			for from := call.FromC; from < call.ToC; from += c.lanes {
				var sums [maxLanes]float32
				n := min(c.lanes, call.ToC-from)
				c.sum(call, y, x, from, sums[:n])
				call.Store(y*c.window.OutW+x, from, sums[:n])
			}
		}
	}
}

// sum adds up channels of output pixel (y, x), the given one and those behind it.
func (c *Conv) sum(call *window.Call, y, x, from int, sums []float32) {
	w := c.window
	copy(sums, c.bias[from:])
	block := c.weights[from*w.Taps():][:c.lanes*w.Taps()]
	first, end, top := w.Rows(y)
	for ky := first; ky < end; ky++ {
		for kx := range w.KernelW {
			inX := x*w.StrideW - w.PadLeft + kx*w.DilationW
			if inX < 0 || inX >= w.InW {
				continue
			}
			// Lengths that the compiler sees are equal spare it checks.
			tap := block[(ky*w.KernelW+kx)*c.lanes:][:len(sums)]
			in := call.Src.Data[((top+ky*w.DilationH)*w.InW+inX)*call.Src.Pitch+from:][:len(sums)]
			for i := range sums {
				sums[i] += tap[i] * in[i]
			}
		}
	}
}
