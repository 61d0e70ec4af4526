package winograd

// The transforms in plain Go, in the same order of additions as the assembly.

func (t *Input) generic() {
	for c := range t.Channels {
		var x [In][In]float32 // Bᵀ d, by columns
		for j := range In {
			var d [In]float32
			for i := range In {
				d[i] = t.Src[t.Offsets[i*In+j]/4+c]
			}
			x[j] = inward(&d)
		}
		for i := range In {
			v := inward(&[In]float32{x[0][i], x[1][i], x[2][i], x[3][i], x[4][i], x[5][i]})
			for j := range In {
				t.Dst[(i*In+j)*t.Pitch+c] = v[j]
			}
		}
	}
}

// inward is Bᵀ times a column.
func inward(d *[In]float32) [In]float32 {
	even4, odd4 := d[4]-4*d[2], d[3]-4*d[1]
	even, odd := d[4]-d[2], d[3]-d[1]
	return [In]float32{
		d[4] - 5*d[2] + 4*d[0],
		even4 + odd4,
		even4 - odd4,
		even + 2*odd,
		even - 2*odd,
		d[5] - 5*d[3] + 4*d[1],
	}
}

func (t *Output) generic() {
	for c := range t.Channels {
		var x [In][Out]float32 // Aᵀ m, by columns
		for j := range In {
			var m [In]float32
			for i := range In {
				m[i] = t.Src[(i*In+j)*t.Pitch+c]
			}
			x[j] = outward(&m)
		}
		for i := range t.Rows {
			v := outward(&[In]float32{x[0][i], x[1][i], x[2][i], x[3][i], x[4][i], x[5][i]})
			for j := range t.Cols {
				t.store(i, j, c, v[j])
			}
		}
	}
}

// outward is Aᵀ times a column.
func outward(m *[In]float32) [Out]float32 {
	even, odd := m[1]+m[2], m[1]-m[2]
	even2, odd2 := m[3]+m[4], m[3]-m[4]
	return [Out]float32{
		even + m[0] + even2,
		odd + 2*odd2,
		even + 4*even2,
		odd + m[5] + 8*odd2,
	}
}

// store is the last step of a pixel.
func (t *Output) store(i, j, c int, v float32) {
	if t.Residual != nil {
		v += t.Residual[i*t.ResidualLine+j*t.ResidualPitch+c]
	}
	// Comparisons with NaN are false: it stays.
	if v < t.Lo {
		v = t.Lo
	}
	if v > t.Hi {
		v = t.Hi
	}
	t.Dst[i*t.DstLine+j*t.DstPitch+c] = v
}
