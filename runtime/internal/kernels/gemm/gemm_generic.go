package gemm

// generic is the tiles in plain Go: two rows by four columns at a time, as many
// sums as there are registers for.
func (k *Kernel) generic(c *Call) {
	for i := range c.Tiles {
		t := *c
		t.A, t.C = c.A[i*c.ATile:], c.C[i*c.Rows*c.LDC:]
		if c.Residual != nil {
			t.Residual = c.Residual[i*c.Rows*c.LDR:]
		}
		k.genericTile(&t)
	}
}

func (k *Kernel) genericTile(c *Call) {
	for p := range c.Panels {
		cols := c.Width
		if p == c.Panels-1 {
			cols = c.Cols
		}
		for j := 0; j < cols; j += 4 {
			n := min(4, cols-j)
			for r := 0; r < c.Rows; r += 2 {
				// An odd last row is computed twice and stored once.
				r1 := min(r+1, c.Rows-1)
				s0, s1 := k.generic2x4(c, p, j, r, r1)
				c.store(p, j, r, s0[:n])
				if r1 > r {
					c.store(p, j, r1, s1[:n])
				}
			}
		}
	}
}

func (k *Kernel) generic2x4(c *Call, p, j, r0, r1 int) (s0, s1 [4]float32) {
	bias := c.Bias[p*c.Width+j:][:4]
	s00, s01, s02, s03 := bias[0], bias[1], bias[2], bias[3]
	s10, s11, s12, s13 := s00, s01, s02, s03
	for t := range c.Taps {
		a0 := c.A[p*c.AStep+c.Offsets[t*k.Rows+r0]/4:][:c.K]
		a1 := c.A[p*c.AStep+c.Offsets[t*k.Rows+r1]/4:][:c.K]
		b := c.B[(p*c.Taps+t)*c.K*c.Width+j:]
		for i, x0 := range a0 {
			x1 := a1[i]
			y := b[i*c.Width:][:4]
			s00 += x0 * y[0]
			s01 += x0 * y[1]
			s02 += x0 * y[2]
			s03 += x0 * y[3]
			s10 += x1 * y[0]
			s11 += x1 * y[1]
			s12 += x1 * y[2]
			s13 += x1 * y[3]
		}
	}
	return [4]float32{s00, s01, s02, s03}, [4]float32{s10, s11, s12, s13}
}

// store is the epilogue of a few neighbouring columns.
func (c *Call) store(p, j, r int, sums []float32) {
	col := p*c.Width + j
	dst := c.C[r*c.LDC+col:][:len(sums)]
	for i, sum := range sums {
		if c.Residual != nil {
			sum += c.Residual[r*c.LDR+col+i]
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
