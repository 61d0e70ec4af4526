package grouped

import "github.com/cnnc-dev/cnnc/runtime/internal/kernels/window"

// generic computes the group that begins with output channel o, in plain Go.
func (c *Conv) generic(call *window.Call, o int) {
	for y := call.FromY; y < call.ToY; y++ {
		for x := range c.window.OutW {
			for from := o; from < o+c.out; from += c.lanes {
				var sums [maxLanes]float32
				c.sum(call, y, x, from, sums[:c.lanes])
				call.Store(y*c.window.OutW+x, from, sums[:min(c.lanes, o+c.out-from)])
			}
		}
	}
}

// sum adds up the block of output pixel (y, x) that begins with channel o.
func (c *Conv) sum(call *window.Call, y, x, o int, sums []float32) {
	w := c.window
	block, _ := c.place(o)
	copy(sums, c.bias[block*c.lanes:])
	weights := c.weights[block*c.blockLen():][:c.blockLen()]
	tapLen := c.steps * c.lanes
	first, end, top := w.Rows(y)
	for ky := first; ky < end; ky++ {
		for kx := range w.KernelW {
			inX := x*w.StrideW - w.PadLeft + kx*w.DilationW
			if inX < 0 || inX >= w.InW {
				continue
			}
			at := ((top+ky*w.DilationH)*w.InW+inX)*call.Src.Pitch + o/c.out*c.in
			tap := weights[(ky*w.KernelW+kx)*tapLen:][:tapLen]
			for _, v := range call.Src.Data[at:][:c.in] {
				row := tap[:len(sums)] // equal lengths spare checks
				for lane := range sums {
					sums[lane] += row[lane] * v
				}
				tap = tap[len(sums):]
			}
		}
	}
}
