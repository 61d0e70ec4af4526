package grouped

import "github.com/cnnc-dev/cnnc/runtime/internal/kernels/window"

// generic is Run in plain Go.
func (c *Conv) generic(call *window.Call) {
	w := c.window
	for y := call.FromY; y < call.ToY; y++ {
		for x := range w.OutW {
			for o := call.FromC; o < call.ToC; {
				_, lane := c.place(o)
				n := min(c.lanes-lane, call.ToC-o)
				if c.wide {
					n = min(n, c.out-o%c.out)
				}
				var sums [lanes]float32
				c.sum(call, y, x, o, &sums)
				call.Store(y*w.OutW+x, o, sums[:n])
				o += n
			}
		}
	}
}

// sum adds up the block of output pixel (y, x) that begins with channel o.
func (c *Conv) sum(call *window.Call, y, x, o int, sums *[lanes]float32) {
	w := c.window
	block, _ := c.place(o)
	copy(sums[:], c.bias[block*lanes:][:lanes])
	n := min(lanes, call.ToC-o)
	if c.wide {
		n = min(lanes, c.out-o%c.out)
	}
	weights := c.weights[block*c.blockLen():][:c.blockLen()]
	first, end, top := w.Rows(y)
	for ky := first; ky < end; ky++ {
		for kx := range w.KernelW {
			inX := x*w.StrideW - w.PadLeft + kx*w.DilationW
			if inX < 0 || inX >= w.InW {
				continue
			}
			in := call.Src.Data[((top+ky*w.DilationH)*w.InW+inX)*call.Src.Pitch:][:c.In]
			for lane := range n {
				group := in[(o+lane)/c.out*c.in:][:c.in]
				for i, v := range group {
					step, set, at := c.meet(lane, i)
					sums[lane] += weights[c.vector(ky, kx, step, set)*lanes+at] * v
				}
			}
		}
	}
}
