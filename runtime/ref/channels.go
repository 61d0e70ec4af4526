package ref

// Concat joins maps over channels: srcs[i] has channels[i] of them. d is the
// size of dst.
func Concat(dst []float64, srcs [][]float64, channels []int, d Dims) {
	hw := d.H * d.W
	for n := range d.N {
		to := dst[n*d.C*hw:]
		for i, s := range srcs {
			size := channels[i] * hw
			copy(to[:size], s[n*size:])
			to = to[size:]
		}
	}
}

// Pick takes the listed channels of src, a batch of size d, in the listed
// order.
func Pick(dst, src []float64, channels []int, d Dims) {
	out := Dims{d.N, len(channels), d.H, d.W}
	for n := range d.N {
		for i, c := range channels {
			copy(out.plane(dst, n, i), d.plane(src, n, c))
		}
	}
}

// Slice takes channels [from, to) of src, a batch of size d.
func Slice(dst, src []float64, from, to int, d Dims) {
	channels := make([]int, to-from)
	for i := range channels {
		channels[i] = from + i
	}
	Pick(dst, src, channels, d)
}

// Shuffle is ShuffleNet's channel shuffle: channels seen as [groups, C/groups]
// are transposed to [C/groups, groups].
func Shuffle(dst, src []float64, groups int, d Dims) {
	per := d.C / groups
	for n := range d.N {
		for c := range d.C {
			copy(d.plane(dst, n, c%per*groups+c/per), d.plane(src, n, c))
		}
	}
}

// Pad puts zeros around each map of src, a batch of size d.
func Pad(dst, src []float64, top, left, bottom, right int, d Dims) {
	out := Dims{d.N, d.C, top + d.H + bottom, left + d.W + right}
	clear(dst[:out.Len()])
	for n := range d.N {
		for c := range d.C {
			s, to := d.plane(src, n, c), out.plane(dst, n, c)
			for y := range d.H {
				copy(to[(top+y)*out.W+left:], s[y*d.W:(y+1)*d.W])
			}
		}
	}
}

// Upsample repeats each pixel of src, maps of size in, so often down and across that
// maps of size out are full.
func Upsample(dst, src []float64, in, out Dims) {
	for n := range out.N {
		for c := range out.C {
			s, to := in.plane(src, n, c), out.plane(dst, n, c)
			for i := range to {
				y, x := i/out.W, i%out.W
				to[i] = s[y*in.H/out.H*in.W+x*in.W/out.W]
			}
		}
	}
}
