package shape

import "fmt"

// Window is how a kernel slides over a map.
type Window struct {
	Kernel, Stride, Dilation Size
	Pad                      Padding
}

// check bounds every number of w, so that arithmetic on them in int64 cannot
// overflow.
func (w Window) check(op string) error {
	for _, a := range []struct {
		attr string
		min  int
		vals []int
	}{
		{"kernel", 1, []int{w.Kernel.H, w.Kernel.W}},
		{"stride", 1, []int{w.Stride.H, w.Stride.W}},
		{"dilation", 1, []int{w.Dilation.H, w.Dilation.W}},
		{"pad", 0, []int{w.Pad.Top, w.Pad.Left, w.Pad.Bottom, w.Pad.Right}},
	} {
		for _, v := range a.vals {
			if v < a.min {
				return errLeast(op, a.attr, a.min, v)
			}
			if v > MaxAxis {
				return errLimit(op+": "+a.attr, MaxAxis, "pixels")
			}
		}
	}
	return nil
}

// slide returns the number of positions of a window of k taps, d apart, that
// moves by s over an axis of n pixels with padding before and after; less than
// 1 if there is none. With ceil, a window may hang over the end, but must start
// inside the input or the padding before it (PyTorch's pooling_output_shape).
func slide(n, k, s, d, before, after int, ceil bool) int64 {
	room := int64(n) + int64(before) + int64(after) - int64(d)*int64(k-1) - 1
	if ceil {
		room += int64(s) - 1
	}
	if room < 0 {
		return 0
	}
	out := room/int64(s) + 1
	if ceil && (out-1)*int64(s) >= int64(n)+int64(before) {
		out--
	}
	return out
}

// over returns the map that results when w slides over in and each position
// yields c channels.
func (w Window) over(op string, in Shape, c int, ceil bool) (Shape, error) {
	if !in.IsMap() {
		return nil, errNotMap(op, in)
	}
	if err := w.check(op); err != nil {
		return nil, err
	}
	h := slide(in.Height(), w.Kernel.H, w.Stride.H, w.Dilation.H, w.Pad.Top, w.Pad.Bottom, ceil)
	ww := slide(in.Width(), w.Kernel.W, w.Stride.W, w.Dilation.W, w.Pad.Left, w.Pad.Right, ceil)
	if h < 1 || ww < 1 {
		return nil, errWindow(op, in, w)
	}
	out := Shape{c, int(h), int(ww)}
	return out, checkTensor(fmt.Sprintf("%s: result %v", op, out), out)
}

// Conv is the rule of a convolution with out output channels: each axis has
// floor((n + padding - dilation*(kernel-1) - 1) / stride) + 1 positions, and
// groups divides the channels on both sides.
func Conv(op string, in Shape, out int, w Window, groups int) (Shape, error) {
	if !in.IsMap() {
		return nil, errNotMap(op, in)
	}
	if err := checkOut(op, out); err != nil {
		return nil, err
	}
	if groups < 1 {
		return nil, errLeast(op, "groups", 1, groups)
	}
	if in.Channels()%groups != 0 {
		return nil, errGroups(op, "input has", in.Channels(), groups)
	}
	if out%groups != 0 {
		return nil, errGroups(op, "output has", out, groups)
	}
	s, err := w.over(op, in, out, false)
	if err != nil {
		return nil, err
	}
	return s, checkTensor(op+": weights", []int{out, in.Channels() / groups, w.Kernel.H, w.Kernel.W})
}

// MaxPool is the rule of max pooling, PyTorch's MaxPool2d.
func MaxPool(in Shape, w Window, ceil bool) (Shape, error) { return pool("maxpool", in, w, ceil) }

// AvgPool is the rule of average pooling, PyTorch's AvgPool2d, which knows no
// dilation.
func AvgPool(in Shape, w Window, ceil bool) (Shape, error) {
	if w.Dilation != Square(1) {
		return nil, errAttr("avgpool", "dilation", fmt.Sprintf("must be 1, not %v", w.Dilation), "leave it out")
	}
	return pool("avgpool", in, w, ceil)
}

func pool(op string, in Shape, w Window, ceil bool) (Shape, error) {
	if !in.IsMap() {
		return nil, errNotMap(op, in)
	}
	s, err := w.over(op, in, in.Channels(), ceil)
	if err != nil {
		return nil, err
	}
	// Beyond half a window, one could lie in padding entirely, and have no
	// maximum and no mean.
	halfH := (int64(w.Dilation.H)*int64(w.Kernel.H-1) + 1) / 2
	halfW := (int64(w.Dilation.W)*int64(w.Kernel.W-1) + 1) / 2
	if int64(max(w.Pad.Top, w.Pad.Bottom)) > halfH || int64(max(w.Pad.Left, w.Pad.Right)) > halfW {
		return nil, errAttr(op, "pad", fmt.Sprintf("of %v is more than half the kernel of %v", w.Pad, w.Kernel),
			"pad less, or take a larger kernel: else a window could lie in the padding entirely")
	}
	return s, nil
}

// AdaptivePool is the rule of pooling to a fixed size; the windows adapt to it
// and may overlap, so out may be larger than the input.
func AdaptivePool(op string, in Shape, out Size) (Shape, error) {
	if !in.IsMap() {
		return nil, errNotMap(op, in)
	}
	if out.H < 1 || out.W < 1 {
		return nil, errLeast(op, "out", 1, out)
	}
	s := Shape{in.Channels(), out.H, out.W}
	return s, checkTensor(fmt.Sprintf("%s: result %v", op, s), s)
}

// GlobalPool is the rule of pooling a map to [c 1 1].
func GlobalPool(op string, in Shape) (Shape, error) {
	if !in.IsMap() {
		return nil, errNotMap(op, in)
	}
	return Shape{in.Channels(), 1, 1}, nil
}

// Pad is the rule of zeros around a map.
func Pad(in Shape, p Padding) (Shape, error) {
	const op = "pad"
	if !in.IsMap() {
		return nil, errNotMap(op, in)
	}
	one := Window{Kernel: Square(1), Stride: Square(1), Dilation: Square(1), Pad: p}
	return one.over(op, in, in.Channels(), false)
}

// Upsample is the rule of a map whose pixels are repeated.
func Upsample(in Shape, scale Size) (Shape, error) {
	const op = "upsample"
	if !in.IsMap() {
		return nil, errNotMap(op, in)
	}
	for _, v := range []int{scale.H, scale.W} {
		if v < 1 {
			return nil, errLeast(op, "scale", 1, v)
		}
		if v > MaxAxis {
			return nil, errLimit(op+": scale", MaxAxis, "pixels")
		}
	}
	out := Shape{in.Channels(), in.Height() * scale.H, in.Width() * scale.W}
	return out, checkTensor(fmt.Sprintf("%s: result %v", op, out), out)
}
