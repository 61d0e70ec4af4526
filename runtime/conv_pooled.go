package runtime

import "github.com/cnnc-dev/cnnc/runtime/internal/cpu"

// pooledDepthwise is a depthwise convolution of one tap that reads means over windows: a
// depthwise convolution of as many taps as a window has pixels, whose weights are equal.
type pooledDepthwise struct{ *depthwiseConv }

func newPooledDepthwise(op *Conv, isa cpu.ISA) pooledDepthwise {
	whole := *op
	whole.Kernel, whole.Stride, whole.InPool = op.InPool, op.InPool, Size{}
	if !op.oneTap() || whole.changesInput() {
		panic("cnnc: a depthwise convolution that pools its input has one tap and does nothing else to it")
	}
	return pooledDepthwise{newDepthwise(&whole, isa)}
}

func (p pooledDepthwise) pack(f *filter) {
	taps := p.op.Kernel.H * p.op.Kernel.W
	weights := make([]float32, 0, len(f.bias)*taps)
	for _, x := range f.all() {
		for range taps {
			weights = append(weights, x/float32(taps))
		}
	}
	p.depthwiseConv.pack(&filter{weights: weights, bias: f.bias, taps: taps, loader: f.loader, memory: f.memory})
}
