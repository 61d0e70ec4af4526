package shape

import (
	"fmt"
	"math"
)

// Same is the rule of what leaves a shape as it is, maps and vectors alike:
// activations, softmax, dropout, batch and layer normalisation.
func Same(in Shape) (Shape, error) { return in, nil }

// Linear is the rule of a fully connected layer with out features. A map is
// accepted only with flatten, that is, read in NCHW order as a vector.
func Linear(in Shape, out int, flatten bool) (Shape, error) {
	const op = "linear"
	if in.IsMap() != flatten {
		if flatten {
			return nil, errNotMap("a flattening linear", in)
		}
		return nil, errNotVector(op, in)
	}
	if err := checkOut(op, out); err != nil {
		return nil, err
	}
	// The constructors have bounded in.Elems, but as an axis of the weights a
	// flattened map may still be too long.
	return Shape{out}, checkTensor("linear: weights", []int{out, in.Elems()})
}

func checkOut(op string, out int) error {
	if out < 1 {
		return errLeast(op, "out", 1, out)
	}
	if out > MaxAxis {
		return errLimit(op+": out", MaxAxis, "channels")
	}
	return nil
}

// Norm is the rule of batch and layer normalisation: eps is not negative.
func Norm(op string, in Shape, eps float64) (Shape, error) {
	if !(eps >= 0) || math.IsInf(eps, 0) {
		return nil, errAttr(op, "eps", fmt.Sprintf("must not be negative: %v", eps), "use a small positive number such as 1e-5")
	}
	return in, nil
}

// LRN is the rule of local response normalisation over size channels.
func LRN(in Shape, size int) (Shape, error) {
	const op = "lrn"
	if !in.IsMap() {
		return nil, errNotMap(op, in)
	}
	if size < 1 {
		return nil, errLeast(op, "size", 1, size)
	}
	if size > MaxAxis {
		return nil, errLimit(op+": size", MaxAxis, "channels")
	}
	return in, nil
}

// GRN is the rule of global response normalisation.
func GRN(in Shape, eps float64) (Shape, error) {
	const op = "grn"
	if !in.IsMap() {
		return nil, errNotMap(op, in)
	}
	return Norm(op, in, eps)
}

// Add is the rule of a sum: all shapes are equal.
func Add(args ...Shape) (Shape, error) {
	for i, s := range args[1:] {
		if !s.Equal(args[0]) {
			return nil, errAdd(i+1, args[0], s)
		}
	}
	return args[0], nil
}

// Mul is the rule of a product: two equal shapes, or a map and [c 1 1] of the
// same channels on either side.
func Mul(a, b Shape) (Shape, error) {
	switch {
	case a.Equal(b):
		return a, nil
	case a.broadcasts(b):
		return b, nil
	case b.broadcasts(a):
		return a, nil
	}
	return nil, errMul(a, b)
}

// broadcasts reports whether s is [c 1 1] to t's [c h w].
func (s Shape) broadcasts(t Shape) bool {
	return s.IsMap() && t.IsMap() && s[0] == t[0] && s[1] == 1 && s[2] == 1
}

// Concat is the rule of concatenation over channels (features of vectors).
func Concat(args ...Shape) (Shape, error) {
	first := args[0]
	channels := 0
	for i, s := range args {
		if s.IsMap() != first.IsMap() || s.Height() != first.Height() || s.Width() != first.Width() {
			return nil, errConcat(i, first, s)
		}
		channels += s.Channels()
		if channels > MaxAxis {
			return nil, errLimit("concat", MaxAxis, "channels")
		}
	}
	out := first.withChannels(channels)
	return out, checkTensor(fmt.Sprintf("concat: result %v", out), out)
}

// withChannels returns s with c for its first axis.
func (s Shape) withChannels(c int) Shape {
	t := append(Shape(nil), s...)
	t[0] = c
	return t
}

// Slice is the rule of taking channels [from, to).
func Slice(in Shape, from, to int) (Shape, error) {
	if from < 0 || to > in.Channels() || from >= to {
		return nil, errChannel("slice", in, from, to)
	}
	return in.withChannels(to - from), nil
}

// Pick is the rule of taking the listed channels in the listed order; one may
// be taken twice.
func Pick(in Shape, channels []int) (Shape, error) {
	const op = "pick"
	if len(channels) == 0 {
		return nil, errAttr(op, "channels", "is empty", "list one channel at least")
	}
	if len(channels) > MaxAxis {
		return nil, errLimit(op, MaxAxis, "channels")
	}
	for _, c := range channels {
		if c < 0 || c >= in.Channels() {
			return nil, errChannel(op, in, c, c+1)
		}
	}
	out := in.withChannels(len(channels))
	return out, checkTensor(fmt.Sprintf("pick: result %v", out), out)
}

// Shuffle is the rule of channel shuffle: groups divides the channels.
func Shuffle(in Shape, groups int) (Shape, error) {
	const op = "shuffle"
	if !in.IsMap() {
		return nil, errNotMap(op, in)
	}
	if groups < 1 {
		return nil, errLeast(op, "groups", 1, groups)
	}
	if in.Channels()%groups != 0 {
		return nil, errGroups(op, "input has", in.Channels(), groups)
	}
	return in, nil
}

// Flatten is the rule of reading a map as a vector in NCHW order.
func Flatten(in Shape) (Shape, error) {
	if !in.IsMap() {
		return nil, errNotMap("flatten", in)
	}
	out := Shape{in.Elems()}
	return out, checkTensor(fmt.Sprintf("flatten: result %v", out), out)
}

// Dropout is the rule of dropout and stochastic depth of probability p.
func Dropout(op string, in Shape, p float64) (Shape, error) {
	if !(p >= 0 && p <= 1) {
		return nil, errAttr(op, "p", fmt.Sprintf("must be a probability, not %v", p), "use a number from 0 to 1")
	}
	return in, nil
}

// Affine is the rule of constants a channel: scale and shift have one entry,
// or one a channel.
func Affine(in Shape, scale, shift int) (Shape, error) {
	const op = "affine"
	for _, l := range []struct {
		attr string
		n    int
	}{{"scale", scale}, {"shift", shift}} {
		if l.n != 1 && l.n != in.Channels() {
			return nil, errLength(op, l.attr, l.n, in.Channels())
		}
	}
	return in, nil
}

// Scale is the rule of a learned factor a channel, which the checkpoint holds
// as dims, [c] or [c 1 1].
func Scale(in Shape, dims []int) (Shape, error) {
	const op = "scale"
	c := Shape{in.Channels()}
	if d := Shape(dims); !d.Equal(c) && !d.Equal(Shape{c[0], 1, 1}) {
		return nil, errAttr(op, "dims", fmt.Sprintf("must be [%d] or [%d 1 1] for an input of %v, not %v", c[0], c[0], in, d),
			"use the shape that the checkpoint has")
	}
	return in, nil
}
