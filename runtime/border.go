package runtime

// Input copies the images of this inference into the arena, whatever the order of
// their axes. src holds them one after the other.
func (s *Session) Input(dst View, shape Shape, src []float32) {
	s.call = call{dst: s.tensor(dst, shape)}
	s.border = border{inward: true, shape: shape, flat: src[:s.images*shape.Len()]}
	s.border.run(s)
}

// Output copies a tensor of this inference's images out of the arena, into dst, one
// after the other, in the session's order of axes.
func (s *Session) Output(dst []float32, src View, shape Shape) {
	s.call = call{src: s.tensor(src, shape)}
	s.border = border{shape: shape, flat: dst[:s.images*shape.Len()]}
	s.border.run(s)
}

// border is a copy between the arena and the caller's slice.
type border struct {
	inward bool
	shape  Shape
	flat   []float32 // the caller's
}

func (b *border) run(s *Session) {
	s.run(b, s.split(len(b.flat), s.images*b.shape.Pixels()))
	b.flat = nil
}

func (b *border) task(s *Session, _, i int) {
	from, to := s.part(i, s.images*b.shape.Pixels())
	for from < to {
		image, first := from/b.shape.Pixels(), from%b.shape.Pixels()
		n := min(to-from, b.shape.Pixels()-first, borderBlock)
		b.block(s, image, first, n)
		from += n
	}
}

// borderBlock is how many pixels are transposed at a time: few enough that their
// cache lines stay while the channels pass over them.
const borderBlock = 32

// block copies n pixels of an image, from pixel first on.
func (b *border) block(s *Session, image, first, n int) {
	pixels, channels := b.shape.Pixels(), b.shape.C
	flat := b.flat[image*b.shape.Len():][:b.shape.Len()]
	t := s.call.src
	if b.inward {
		t = s.call.dst
	}
	inside := t.data[(image*pixels+first)*t.pitch:]

	if s.layout == NHWC {
		for p := range n {
			row, mine := flat[(first+p)*channels:][:channels], inside[p*t.pitch:][:channels]
			if b.inward {
				copy(mine, row)
			} else {
				copy(row, mine)
			}
		}
		return
	}
	for c := range channels {
		plane := flat[c*pixels+first:][:n]
		if b.inward {
			for p, at := 0, c; p < n; p, at = p+1, at+t.pitch {
				inside[at] = plane[p]
			}
		} else {
			for p, at := 0, c; p < n; p, at = p+1, at+t.pitch {
				plane[p] = inside[at]
			}
		}
	}
}
