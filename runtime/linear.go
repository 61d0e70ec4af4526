package runtime

import "github.com/cnnc-dev/cnnc/runtime/internal/cpu"

// PackedLinear is a Linear with its weights. It is the convolution whose kernel
// covers the whole map: the checkpoint's [out, c*h*w] is [out, c, h, w].
type PackedLinear struct{ conv PackedConv }

// Linear packs a linear layer: key.weight [Out, In.C*In.H*In.W], key.bias if there is
// one, and the norms folded in. Norms before it act on the features of In,
// in NCHW order.
func (l *Loader) Linear(key string, op *Linear, norms ...Norm) *PackedLinear {
	conv := &Conv{
		In:       op.In,
		Out:      Shape{op.Out, 1, 1},
		Kernel:   Size{op.In.H, op.In.W},
		Stride:   Size{1, 1},
		Dilation: Size{1, 1},
		Groups:   1,
		Bias:     op.Bias,
		Act:      op.Act,
	}
	p := &PackedLinear{PackedConv{conv, newDirect(conv, cpu.Level())}}
	layer := l.layer()
	l.packFilter(layer, p.conv.algo, layer.filter(key, conv, []int{op.Out, op.In.Len()}, norms))
	return p
}

// Run computes dst = act(W src + bias). dst must not overlap src.
func (p *PackedLinear) Run(s *Session, dst, src View) { p.conv.Run(s, dst, src) }

// RunAdd computes dst = act(W src + bias + residual). dst must not overlap src; it may
// be residual.
func (p *PackedLinear) RunAdd(s *Session, dst, src, residual View) {
	p.conv.RunAdd(s, dst, src, residual)
}
