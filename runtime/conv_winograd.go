package runtime

import (
	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/eltwise"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/gemm"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/winograd"
)

// winogradConv is the algorithms Winograd4x4 and Winograd2x2. The output is cut into tiles of
// 4x4 or 2x2 pixels, those of all images one after the other. A block of tiles is
// transformed, multiplied with the weights, which are 36 or 16 matrix products, and
// transformed back, while the second-level cache holds it.
//
// The transformed weights are four times as many as the kernel's, or not quite twice, and
// are read once a block. Where an image has many tiles for its weights, threads take whole
// blocks. Where it has few, and the weights are many, threads share a block: first they
// transform its tiles; then each multiplies and transforms back some of the output
// channels, so that no weight is read twice.
type winogradConv struct {
	op        *Conv
	gemm      *gemm.Kernel
	transform winograd.Kernel
	in        int // pixels, the side of a tile of the input
	out       int // and of the output
	planes    int // elements of a transformed tile
	tilesH    int // of an image
	tilesW    int
	block     int  // most tiles of a block
	shared    bool // threads share a block
	parts     []winogradPart
	planeIn   int // floats of an element of a transformed tile of the input
	planeOut  int // and of the output, for the channels of a part
	u         []float32
	bias      []float32 // zeros for all planes but one, then what that one adds to each part

	lo, hi float32
	clamps bool // the bounds are all of the activation
}

// winogradPart is some output channels: consecutive panels of one width.
type winogradPart struct {
	first, cols   int // channels
	width, panels int
	u, plane      int // where its weights begin, and how many a plane has: [plane][panel][input channel][width]
	bias          int
}

// CanWinograd reports whether Winograd4x4 and Winograd2x2 can compute a convolution.
func (op *Conv) CanWinograd() bool {
	one := Size{1, 1}
	return op.Kernel == Size{3, 3} && op.Stride == one && op.Dilation == one && op.Groups == 1 && !op.changesInput()
}

func newWinograd(op *Conv, v winograd.Variant, isa cpu.ISA) *winogradConv {
	const (
		many    = 256 << 10 // weights
		perTile = 20 << 10  // weights that take as long to read again as a tile to hand over
		cache   = 192 << 10 // floats that a block may take
		heavy   = 4 << 10   // weights a tile, of which each block that reads them should make much
		large   = 40        // tiles: a block that does
	)
	w := &winogradConv{
		op:        op,
		gemm:      gemm.For(isa),
		transform: winograd.For(v, isa),
		in:        v.In(),
		out:       v.Out(),
		planes:    v.Planes(),
		tilesH:    (op.Out.H + v.Out() - 1) / v.Out(),
		tilesW:    (op.Out.W + v.Out() - 1) / v.Out(),
		planeIn:   planePitch(op.In.C),
	}
	w.lo, w.hi, w.clamps = op.Act.kernel().Bounds()
	if !w.clamps {
		w.lo, w.hi, _ = eltwise.None.Bounds()
	}
	tiles, weights := w.tilesH*w.tilesW, w.planes*op.In.C*op.Out.C
	w.shared = weights > max(many, perTile*tiles)
	w.cut()
	if w.shared {
		w.block = max(tiles, 2*w.gemm.Rows)
		return w
	}
	tile := w.tileIn() + w.tileOut() + w.out*w.out*(op.In.C+op.Out.C)
	w.block = max(1, cache/tile/w.gemm.Rows) * w.gemm.Rows
	if weights > heavy*tiles {
		blocks := max(1, (tiles+large/2)/large)
		w.block = max(w.block, roundUp((tiles+blocks-1)/blocks, w.gemm.Rows))
	}
	return w
}

// planePitch is the pitch for so many channels: an odd number of lines, so that equal
// channels of different planes and tiles fall into different sets of the first cache.
func planePitch(channels int) int {
	lines := (channels + lineFloats - 1) / lineFloats
	return (lines | 1) * lineFloats
}

// cut makes the parts. They are narrow, since between a product and the transform of its
// result all weights of a part pass through the cache; the more so if threads share them.
func (w *winogradConv) cut() {
	columns := 64
	if w.shared && w.op.Out.C < 512 {
		columns = 32
	}
	widest := 0
	for _, q := range w.gemm.Panels(w.op.Out.C, w.planes*w.op.In.C) {
		n := len(w.parts)
		if n == 0 || w.parts[n-1].width != q.Width || w.parts[n-1].cols+q.Cols > columns {
			w.parts = append(w.parts, winogradPart{first: q.First, width: q.Width, u: q.B, bias: q.Bias})
			n++
		}
		p := &w.parts[n-1]
		p.panels++
		p.cols += q.Cols
		p.plane += w.op.In.C * q.Width
		widest = max(widest, p.panels*p.width)
	}
	for i := range w.parts {
		w.parts[i].bias += widest // behind the zeros
	}
	w.planeOut = planePitch(widest)
}

// sizes is how many floats the transformed weights and the biases are.
func (w *winogradConv) sizes() (weights, bias int) {
	last := &w.parts[len(w.parts)-1]
	return last.u + w.planes*last.plane, last.bias + last.panels*last.width
}

func (w *winogradConv) packed() int { return packedFloats(w.sizes()) }

// pack transforms the weights.
func (w *winogradConv) pack(f *filter) {
	weights, bias := w.sizes()
	w.u, w.bias = f.floats(weights), f.floats(bias)
	for _, p := range w.parts {
		copy(w.bias[p.bias:], f.bias[p.first:][:p.cols])
	}
	f.inParallel(len(w.parts), func(from, to int) {
		for i := range w.parts[from:to] {
			w.packPart(&w.parts[from+i], f)
		}
	})
}

// packPart transforms the weights of a part, a panel of some input channels at a time: as
// much as the first-level cache holds.
func (w *winogradConv) packPart(p *winogradPart, f *filter) {
	const some = 16
	depth := w.op.In.C
	tap := some * p.width // floats
	kernels := make([]float32, winograd.Taps*tap)
	order := make([]int, winograd.Taps*some) // of a channel's taps: by tap
	for i := range order {
		order[i] = i%winograd.Taps*some + i/winograd.Taps
	}
	for panel := range p.panels {
		first := panel * p.width
		cols := min(p.width, p.cols-first)
		if cols < p.width {
			clear(kernels)
		}
		for from := 0; from < depth; from += some {
			n := min(some, depth-from)
			f.transpose(kernels, p.width, order[:n*winograd.Taps], p.first+first, cols, from*winograd.Taps)
			w.transform.Weights(&winograd.Weights{
				Src: kernels, SrcStep: tap,
				Dst: w.u[p.u+(panel*depth+from)*p.width:], DstStep: p.plane, N: n * p.width,
			})
		}
	}
	f.drop(p.first, p.cols)
}
