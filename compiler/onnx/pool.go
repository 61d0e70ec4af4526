package onnx

import (
	"math"

	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/shape"
)

// window returns the attributes of a sliding window.
func window(kernel, stride shape.Size, p shape.Padding) attrs {
	return attrs{
		ints("kernel_shape", kernel.H, kernel.W),
		ints("strides", stride.H, stride.W),
		ints("pads", p.Top, p.Left, p.Bottom, p.Right),
	}
}

// overhang returns how far the last windows of a pooling reach beyond the
// padding, as they may in ceil mode. Models say so in their padding instead of a
// ceil mode, on which opset 17 and PyTorch do not agree.
func overhang(in, out shape.Shape, a *ir.Pool) (h, w int) {
	over := func(in, out, k, s, d, before, after int) int {
		return max(0, (out-1)*s+d*(k-1)+1-(in+before+after))
	}
	h = over(in.Height(), out.Height(), a.Kernel.H, a.Stride.H, a.Dilation.H, a.Pad.Top, a.Pad.Bottom)
	w = over(in.Width(), out.Width(), a.Kernel.W, a.Stride.W, a.Dilation.W, a.Pad.Left, a.Pad.Right)
	return h, w
}

func maxPool(l *layer) {
	a := l.v.Attr.(*ir.Pool)
	x, p := l.args[0], a.Pad
	h, w := overhang(l.in[0], l.v.Shape, a)
	p.Bottom += h
	p.Right += w
	// Dilated windows may have more padding than taps, which ONNX Runtime refuses.
	if max(p.Top, p.Bottom) >= a.Kernel.H || max(p.Left, p.Right) >= a.Kernel.W {
		x, p = l.pad(x, p, -math.MaxFloat32), shape.Padding{}
	}
	l.node("MaxPool", append(window(a.Kernel, a.Stride, p), ints("dilations", a.Dilation.H, a.Dilation.W)), x)
}

func avgPool(l *layer) {
	a := l.v.Attr.(*ir.Pool)
	x, p := l.args[0], a.Pad
	h, w := overhang(l.in[0], l.v.Shape, a)
	count := 0
	switch {
	case !a.CountPad:
	case h == 0 && w == 0:
		count = 1
	default:
		// Padding counts, what hangs over it does not: make the one part of the map.
		x, p = l.pad(x, p, 0), shape.Padding{}
	}
	p.Bottom += h
	p.Right += w
	l.node("AveragePool", append(window(a.Kernel, a.Stride, p), integer("count_include_pad", count)), x)
}

func globalPool(l *layer) {
	op := "GlobalAveragePool"
	if l.v.Attr.(*ir.GlobalPool).Max {
		op = "GlobalMaxPool"
	}
	l.node(op, nil, l.args[0])
}

// adaptivePool has no node in ONNX. Where all windows are alike, it is an
// ordinary pooling.
func adaptivePool(l *layer) {
	a := l.v.Attr.(*ir.AdaptivePool)
	rows, cols := adaptiveWindows(l.in[0].Height(), a.Out.H), adaptiveWindows(l.in[0].Width(), a.Out.W)
	kh, sh, alikeH := alike(rows)
	kw, sw, alikeW := alike(cols)
	kernel, stride := shape.Size{H: kh, W: kw}, shape.Size{H: sh, W: sw}
	switch {
	case alikeH && alikeW && a.Max:
		l.node("MaxPool", window(kernel, stride, shape.Padding{}), l.args[0])
	case alikeH && alikeW:
		l.node("AveragePool", window(kernel, stride, shape.Padding{}), l.args[0])
	case a.Max:
		// Lay the windows side by side, all of the size of the largest.
		x := l.node("Gather", attrs{integer("axis", 2)}, l.args[0], l.integers(l.v.Name+"/rows", laidOut(rows, kh)...))
		x = l.node("Gather", attrs{integer("axis", 3)}, x, l.integers(l.v.Name+"/columns", laidOut(cols, kw)...))
		l.node("MaxPool", window(kernel, kernel, shape.Padding{}), x)
	default:
		// The mean is a product with a matrix from the left, for rows, and one from
		// the right, for columns.
		left := l.floats(l.v.Name+"/rows", []int{len(rows), l.in[0].Height()}, means(rows, l.in[0].Height(), false))
		right := l.floats(l.v.Name+"/columns", []int{l.in[0].Width(), len(cols)}, means(cols, l.in[0].Width(), true))
		l.node("MatMul", nil, l.node("MatMul", nil, left, l.args[0]), right)
	}
}

// interval is [from, to).
type interval struct{ from, to int }

// adaptiveWindows returns PyTorch's windows of n pixels along one axis.
func adaptiveWindows(n, out int) []interval {
	ws := make([]interval, out)
	for i := range ws {
		ws[i] = interval{i * n / out, ((i+1)*n + out - 1) / out}
	}
	return ws
}

// alike returns the size of the largest window, the distance of the first two,
// and whether all have that size and distance.
func alike(ws []interval) (size, stride int, ok bool) {
	stride = 1
	if len(ws) > 1 {
		stride = ws[1].from - ws[0].from
	}
	ok = stride > 0
	for i, w := range ws {
		ok = ok && w == interval{i * stride, i*stride + ws[0].to}
		size = max(size, w.to-w.from)
	}
	return size, stride, ok
}

// laidOut lists the pixels of each window, its last as often as it takes to make
// them size.
func laidOut(ws []interval, size int) []int {
	var at []int
	for _, w := range ws {
		for i := range size {
			at = append(at, min(w.from+i, w.to-1))
		}
	}
	return at
}

// means returns the matrix [windows, n] that takes n pixels to the windows' means,
// or its transpose.
func means(ws []interval, n int, transpose bool) []float32 {
	m := make([]float32, len(ws)*n)
	for i, w := range ws {
		for j := w.from; j < w.to; j++ {
			at := i*n + j
			if transpose {
				at = j*len(ws) + i
			}
			m[at] = 1 / float32(w.to-w.from)
		}
	}
	return m
}
