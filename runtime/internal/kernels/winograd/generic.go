package winograd

// The transforms in plain Go, in the same order of additions as the assembly.

// longest is the length of the larger variant's columns; the smaller one's leave the rest
// of a vector alone.
const longest = int(F4x4) + 2

type vector [longest]float32

func (t *Input) generic(v Variant) {
	in := v.In()
	for c := range t.Channels {
		var x [longest]vector // Bᵀ d, by columns
		for j := range in {
			var d vector
			for i := range in {
				d[i] = t.Src[t.Offsets[i*in+j]/4+c]
			}
			x[j] = v.inward(&d)
		}
		for i := range in {
			var row vector
			for j := range in {
				row[j] = x[j][i]
			}
			row = v.inward(&row)
			for j := range in {
				t.Dst[(i*in+j)*t.Pitch+c] = row[j]
			}
		}
	}
}

// inward is Bᵀ times a column.
func (v Variant) inward(d *vector) vector {
	if v == F2x2 {
		return vector{d[0] - d[2], d[2] + d[1], d[2] - d[1], d[1] - d[3]}
	}
	even4, odd4 := d[4]-4*d[2], d[3]-4*d[1]
	even, odd := d[4]-d[2], d[3]-d[1]
	return vector{
		d[4] - 5*d[2] + 4*d[0],
		even4 + odd4,
		even4 - odd4,
		even + 2*odd,
		even - 2*odd,
		d[5] - 5*d[3] + 4*d[1],
	}
}

// generic transforms all kernels but the first.
func (w *Weights) generic(v Variant, first int) {
	in := v.In()
	for i := first; i < w.N; i++ {
		var columns [3][longest]float64 // G g, by columns
		for c := range columns {
			tap := func(row int) float64 { return float64(w.Src[(3*row+c)*w.SrcStep+i]) }
			columns[c] = v.evaluate(tap(0), tap(1), tap(2))
		}
		for r := range in {
			row := v.evaluate(columns[0][r], columns[1][r], columns[2][r])
			for c := range in {
				w.Dst[(r*in+c)*w.DstStep+i] = float32(row[c])
			}
		}
	}
}

// evaluate is G times a column, where G is, of F(2x2,3x3) and F(4x4,3x3):
//
//	  1    0    0       1/4     0     0
//	1/2  1/2  1/2      -1/6  -1/6  -1/6
//	1/2 -1/2  1/2      -1/6   1/6  -1/6
//	  0    0    1      1/24  1/12   1/6
//	                   1/24 -1/12   1/6
//	                      0     0     1
func (v Variant) evaluate(x, y, z float64) [longest]float64 {
	if v == F2x2 {
		even, odd := (x+z)*(1./2), y*(1./2)
		return [longest]float64{x, even + odd, even - odd, z}
	}
	even, odd := (x+z)*(1./6), y*(1./6)
	even2, odd2 := x*(1./24)+z*(1./6), y*(1./12)
	return [longest]float64{x * (1. / 4), -even - odd, odd - even, even2 + odd2, even2 - odd2, z}
}

func (t *Output) generic(v Variant) {
	in := v.In()
	for c := range t.Channels {
		var x [longest]vector // Aᵀ m, by columns
		for j := range in {
			var m vector
			for i := range in {
				m[i] = t.Src[(i*in+j)*t.Pitch+c]
			}
			x[j] = v.outward(&m)
		}
		for i := range t.Rows {
			var row vector
			for j := range in {
				row[j] = x[j][i]
			}
			row = v.outward(&row)
			for j := range t.Cols {
				t.store(i, j, c, row[j])
			}
		}
	}
}

// outward is Aᵀ times a column.
func (v Variant) outward(m *vector) vector {
	even, odd := m[1]+m[2], m[1]-m[2]
	if v == F2x2 {
		return vector{even + m[0], odd - m[3]}
	}
	even2, odd2 := m[3]+m[4], m[3]-m[4]
	return vector{
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
