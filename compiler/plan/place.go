package plan

import (
	"math"
	"slices"

	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/shape"
)

// home is where a value lives: channels [channel, channel+C) of each pixel of a
// buffer.
type home struct{ buffer, channel int }

// buffer is memory of its own: pixels of so many channels each.
type buffer struct {
	pixels, channels int
	first, last      int // steps, as a Region has them
	into             int // the buffer whose memory this one shares; itself if none
}

// size returns the floats of the buffer.
func (b *buffer) size() int { return roundUp(b.pixels*b.pitch(), align) }

// pitch returns the floats from one pixel to the next: the channels, rounded up
// to whole vectors. Pixels a multiple of 2048 bytes apart would all compete for
// the same few lines of the first-level cache, so those get a vector more. Pixels
// of less than a vector have no room between them: rounded up, a picture would
// take five times the memory, and a vector in an element-wise operation hold one
// pixel where it could hold several.
func (b *buffer) pitch() int {
	if b.channels < align {
		return b.channels
	}
	p := roundUp(b.channels, align)
	if p*4%2048 == 0 {
		p += align
	}
	return p
}

// layout gives every value of a graph a home.
type layout struct {
	of      []home // by value
	buffers []buffer
}

// placeValues decides which values share a buffer because one is part of the
// other: arguments of a concatenation are computed where the result wants them,
// and slices and flattened [c 1 1] maps are seen where their argument lies.
func placeValues(g *ir.Graph) *layout {
	l := &layout{of: make([]home, len(g.Values))}
	placed := make([]bool, len(g.Values))
	// Users come after what they read, so going backwards, a concatenation has a
	// home before its arguments need one. An argument of two concatenations
	// lives in the later: of DenseNet's, that is the one that grows the longest.
	for _, v := range slices.Backward(g.Values) {
		if _, _, ok := aliasOf(g, v); ok {
			continue
		}
		if !placed[v.ID] {
			l.of[v.ID] = l.newBuffer(v.Shape)
			placed[v.ID] = true
		}
		if v.Op != ir.OpConcat {
			continue
		}
		at := l.of[v.ID]
		for _, a := range v.Args {
			if _, _, alias := aliasOf(g, g.Value(a)); !alias && !placed[a] {
				l.of[a] = at
				placed[a] = true
			}
			at.channel += g.Value(a).Shape.Channels()
		}
	}
	for _, v := range g.Values {
		if arg, channel, ok := aliasOf(g, v); ok {
			l.of[v.ID] = l.of[arg]
			l.of[v.ID].channel += channel
		}
	}
	return l
}

// aliasOf returns the value in whose memory v lies, and from which channel on, if
// v is nothing but a way to look at its argument.
func aliasOf(g *ir.Graph, v *ir.Value) (arg ir.ID, channel int, ok bool) {
	if len(v.Args) != 1 {
		return 0, 0, false
	}
	arg = v.Args[0]
	switch a := v.Attr.(type) {
	case *ir.Slice:
		return arg, a.From, true
	case *ir.Dropout:
		return arg, 0, true
	}
	in := g.Value(arg).Shape
	return arg, 0, v.Op == ir.OpConcat || v.Op == ir.OpFlatten && in.Height()*in.Width() == 1
}

func (l *layout) newBuffer(s shape.Shape) home {
	i := len(l.buffers)
	l.buffers = append(l.buffers, buffer{
		pixels: s.Height() * s.Width(), channels: s.Channels(),
		first: math.MaxInt, last: -1, into: i, // no step has touched it yet
	})
	return home{buffer: i}
}

// root returns the buffer whose memory buffer i has.
func (l *layout) root(i int) int {
	for l.buffers[i].into != i {
		i = l.buffers[i].into
	}
	return i
}

// used reports whether a step or a port uses the buffer: what is within a chain is not.
func (b *buffer) used() bool { return b.first <= b.last }

// touch notes that a buffer is used at a step.
func (l *layout) touch(h home, step int) {
	b := &l.buffers[h.buffer]
	b.first = min(b.first, step)
	b.last = max(b.last, step)
}

// whole reports whether a tensor of c channels at h is all of its buffer.
func (l *layout) whole(h home, c int) bool {
	return h.channel == 0 && l.buffers[h.buffer].channels == c
}

// lifetimes finds the first and last step of each buffer.
func (l *lowering) lifetimes() {
	for _, v := range l.g.Inputs() {
		l.layout.touch(l.layout.of[v.ID], -1)
	}
	for i, h := range l.steps {
		l.layout.touch(h.dst, i)
		for _, a := range h.args {
			l.layout.touch(a, i)
		}
	}
	for _, o := range l.g.Outputs {
		l.layout.touch(l.layout.of[o.Value], len(l.steps))
	}
}

// shareInPlace lets a step write over an argument that nothing reads afterwards,
// where the operation allows it: a residual block's sum lands on its shortcut.
// Both must be whole buffers, so that no other value is lost.
func (l *lowering) shareInPlace() {
	for i := range l.p.Steps {
		s, h := &l.p.Steps[i], &l.steps[i]
		dst := l.layout.root(h.dst.buffer)
		if l.layout.buffers[dst].first != i || !l.layout.whole(h.dst, s.Out.Channels()) {
			continue
		}
		over := overwritable(s, len(h.args))
		for _, k := range over {
			arg := h.args[k]
			root := l.layout.root(arg.buffer)
			if root == dst || l.layout.buffers[root].last != i || !l.layout.whole(arg, s.Out.Channels()) {
				continue
			}
			if l.readsElsewhere(h.args, over, k) {
				continue
			}
			l.layout.buffers[dst].into = root
			l.layout.buffers[root].last = l.layout.buffers[dst].last
			break
		}
	}
}

// readsElsewhere reports whether an argument beside the k-th lies in its memory
// and does not bear being overwritten: the input of a convolution whose residual
// it is at the same time.
func (l *lowering) readsElsewhere(args []home, over []int, k int) bool {
	for j, a := range args {
		same := l.layout.root(a.buffer) == l.layout.root(args[k].buffer)
		if j != k && same && !(a == args[k] && slices.Contains(over, j)) {
			return true
		}
	}
	return false
}
