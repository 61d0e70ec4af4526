package rowtaps

// generic is Run in plain Go: four columns at a time.
func (c *Call) generic() {
	for y := range c.Lines {
		for x := range c.Pixels {
			for p := range c.Panels {
				cols := c.Width
				if p == c.Panels-1 {
					cols = c.Cols
				}
				for j := 0; j < cols; j += 4 {
					sums := c.sum(c.A[y*c.ALine+x*c.APixel:], p, j)
					col, n := p*c.Width+j, min(4, cols-j)
					var residual []float32
					if c.Residual != nil {
						residual = c.Residual[y*c.RLine+x*c.RPixel+col:][:n]
					}
					c.store(c.C[y*c.CLine+x*c.CPixel+col:][:n], residual, &sums)
				}
			}
		}
	}
}

// sum adds up columns [j, j+4) of a pixel and a panel.
func (c *Call) sum(a []float32, p, j int) [4]float32 {
	bias := c.Bias[p*c.Width+j:][:4]
	s0, s1, s2, s3 := bias[0], bias[1], bias[2], bias[3]
	for t := range c.Taps {
		b := c.B[(p*c.Taps+t)*c.K*c.Width+j:]
		for k, x := range a[t*c.ATap:][:c.K] {
			y := b[k*c.Width:][:4]
			s0 += x * y[0]
			s1 += x * y[1]
			s2 += x * y[2]
			s3 += x * y[3]
		}
	}
	return [4]float32{s0, s1, s2, s3}
}

// store is the epilogue of a few neighbouring columns.
func (c *Call) store(dst, residual []float32, sums *[4]float32) {
	for i := range dst {
		sum := sums[i]
		if residual != nil {
			sum += residual[i]
		}
		// Comparisons with NaN are false: it stays.
		if sum < c.Lo {
			sum = c.Lo
		}
		if sum > c.Hi {
			sum = c.Hi
		}
		dst[i] = sum
	}
}
