package runtime

import (
	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/permute"
)

// Input copies the images of this inference into the arena. src holds them one after
// the other, their axes in the session's order.
func (s *Session) Input(dst View, shape Shape, src []float32) {
	s.call = call{dst: s.tensor(dst, shape), flat: src[: s.images*shape.Len() : len(src)]}
	s.border = border{shape, true}
	s.runPixels(&s.border, shape)
	s.call.flat = nil
}

// Output copies a tensor of this inference's images out of the arena, to dst, one after
// the other, their axes in the session's order.
func (s *Session) Output(dst []float32, src View, shape Shape) {
	s.call = call{src: s.tensor(src, shape), flat: dst[: s.images*shape.Len() : len(dst)]}
	s.border = border{shape, false}
	s.runPixels(&s.border, shape)
	s.call.flat = nil
}

// border is a copy between the arena and the caller's memory.
type border struct {
	shape Shape
	in    bool // into the arena
}

func (b *border) task(s *Session, _, i int) {
	from, to := s.pixels(i, b.shape)
	channels, pixels := b.shape.C, b.shape.Pixels()
	if s.layout == NHWC || channels == 1 || pixels == 1 { // where the order makes no difference
		flat := tensor{data: s.call.flat, pitch: channels}
		if b.in {
			s.call.dst.copyPixels(from, flat, from, to-from, channels)
		} else {
			flat.copyPixels(from, s.call.src, from, to-from, channels)
		}
		return
	}
	for from < to { // image by image
		image, first := from/pixels, from%pixels
		n := min(to-from, pixels-first)
		planes := s.call.flat[image*b.shape.Len():][:b.shape.Len()]
		if b.in {
			fromPlanes(s.call.dst, from, planes, pixels, first, n, channels)
		} else {
			toPlanes(planes, pixels, first, s.call.src, from, n, channels)
		}
		from += n
	}
}

// transposeBlock is how many pixels are transposed at a time: few enough for their
// cache lines to stay while the channels pass over them.
const transposeBlock = 32

// toPlanes is planes[c*stride+first+i] = src's pixel p+i, channel c, for i < n.
func toPlanes(planes []float32, stride, first int, src tensor, p, n, channels int) {
	for ; n > 0; n, p, first = n-transposeBlock, p+transposeBlock, first+transposeBlock {
		inside := src.data[p*src.pitch:]
		for c := range channels {
			plane := planes[c*stride+first:][:min(n, transposeBlock)]
			for i, at := 0, c; i < len(plane); i, at = i+1, at+src.pitch {
				plane[i] = inside[at]
			}
		}
	}
}

// fromPlanes is dst's pixel p+i, channel c = planes[c*stride+first+i], for i < n.
func fromPlanes(dst tensor, p int, planes []float32, stride, first, n, channels int) {
	if channels == 3 { // a picture
		inside := dst.data[p*dst.pitch:]
		if dst.pitch == 3 {
			permute.Interleave3(cpu.Level(), inside, planes[first:], stride, n)
			return
		}
		red, green, blue := planes[first:][:n], planes[stride+first:][:n], planes[2*stride+first:][:n]
		for i, v := range red {
			pixel := inside[i*dst.pitch:][:3]
			pixel[0], pixel[1], pixel[2] = v, green[i], blue[i]
		}
		return
	}
	for ; n > 0; n, p, first = n-transposeBlock, p+transposeBlock, first+transposeBlock {
		inside := dst.data[p*dst.pitch:]
		for c := range channels {
			at := c
			for _, v := range planes[c*stride+first:][:min(n, transposeBlock)] {
				inside[at] = v
				at += dst.pitch
			}
		}
	}
}
