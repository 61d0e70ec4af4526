package ref

// ConvParams describes a convolution. Groups divides In.C and Out.C.
type ConvParams struct {
	In, Out Dims
	Window
	Groups int
}

// Conv is a cross-correlation with zero padding. Weights w are [Out.C,
// In.C/Groups, KH, KW]; bias is [Out.C] or nil. For output channel o of group g,
//
//	dst[n,o,y,x] = bias[o] + sum over c, i, j of
//	    w[o,c,i,j] * src[n, g*In.C/Groups + c, y*StrideH - Top + i*DilationH, x*StrideW - Left + j*DilationW]
func Conv(dst, src, w, bias []float64, p ConvParams) {
	inPer, outPer := p.In.C/p.Groups, p.Out.C/p.Groups
	for n := range p.In.N {
		for o := range p.Out.C {
			d := p.Out.plane(dst, n, o)
			fill(d, at(bias, o, 0))
			for c := range inPer {
				s := p.In.plane(src, n, o/outPer*inPer+c)
				taps := w[(o*inPer+c)*p.KH*p.KW:]
				for i := range p.KH {
					for j := range p.KW {
						p.addTap(d, s, taps[i*p.KW+j], i, j)
					}
				}
			}
		}
	}
}

// addTap adds one tap's products to a whole output plane, row by row.
func (p *ConvParams) addTap(d, s []float64, w float64, i, j int) {
	offY, offX := i*p.DilationH-p.Top, j*p.DilationW-p.Left
	y0, y1 := inside(offY, p.StrideH, p.In.H, p.Out.H)
	x0, x1 := inside(offX, p.StrideW, p.In.W, p.Out.W)
	if x0 == x1 {
		return
	}
	for y := y0; y < y1; y++ {
		row := d[y*p.Out.W+x0 : y*p.Out.W+x1]
		from := s[(y*p.StrideH+offY)*p.In.W+x0*p.StrideW+offX:]
		if p.StrideW == 1 {
			from = from[:len(row)]
			for x := range row {
				row[x] += w * from[x]
			}
			continue
		}
		for x := range row {
			row[x] += w * from[x*p.StrideW]
		}
	}
}

// Linear multiplies each of n vectors of in features by the weights w, [out,
// in]; bias is [out] or nil.
//
//	dst[b,o] = bias[o] + sum over i of w[o,i] * src[b,i]
func Linear(dst, src, w, bias []float64, n, in, out int) {
	for b := range n {
		x := src[b*in : (b+1)*in]
		for o := range out {
			row := w[o*in : (o+1)*in]
			sum := at(bias, o, 0)
			for i, v := range x {
				sum += v * row[i]
			}
			dst[b*out+o] = sum
		}
	}
}

// at returns s[i], or missing if s is nil.
func at(s []float64, i int, missing float64) float64 {
	if s == nil {
		return missing
	}
	return s[i]
}

func fill(s []float64, v float64) {
	for i := range s {
		s[i] = v
	}
}
