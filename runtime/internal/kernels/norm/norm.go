// Package norm has the kernels that look at all channels of a pixel: layer
// normalisation, softmax and local response normalisation.
//
// Operands are rows of n floats, one a pixel, consecutive rows a pitch apart. What lies
// between the rows is not touched.
package norm

//go:generate go -C ../_asm run ./norm -out ../norm/kernel_amd64.s -stubs ../norm/kernel_amd64.go -pkg norm

// Rows is an operand.
type Rows struct {
	Data  []float32
	Pitch int // floats from one row to the next
}

// check panics unless r holds rows rows of n floats.
func (r Rows) check(rows, n int) {
	_ = r.Data[(rows-1)*r.Pitch+n-1]
}

func (r Rows) row(i, n int) []float32 {
	return r.Data[i*r.Pitch:][:n]
}

// Layer is
//
//	dst[i][j] = (src[i][j] - mean) / sqrt(variance + eps) * weight[j] + bias[j]
//
// for i < rows, j < n, where mean and variance (of n, not n-1) are row i's. The mean is
// taken first and the variance of the differences, so nothing cancels. dst may be src.
func Layer(dst, src Rows, weight, bias []float32, eps float32, rows, n int) {
	if rows < 1 || n < 1 {
		return
	}
	dst.check(rows, n)
	src.check(rows, n)
	_, _ = weight[n-1], bias[n-1]
	layer(dst, src, weight, bias, eps, rows, n)
}

// Softmax is
//
//	dst[i][j] = exp(src[i][j] - m) / sum over k of exp(src[i][k] - m)
//
// for i < rows, j < n, where m is row i's maximum. A row with a NaN or +Inf becomes NaN.
// dst may be src.
func Softmax(dst, src Rows, rows, n int) {
	if rows < 1 || n < 1 {
		return
	}
	dst.check(rows, n)
	src.check(rows, n)
	softmax(dst, src, rows, n)
}

// LRN is
//
//	dst[i][j] = src[i][j] / (k + alpha/size * sum of src[i][l]^2)^beta
//
// for i < rows, j < n, where l runs over the size channels around j (size/2 before it)
// that exist. dst may not be src.
func LRN(dst, src Rows, size int, alpha, beta, k float32, rows, n int) {
	if rows < 1 || n < 1 {
		return
	}
	dst.check(rows, n)
	src.check(rows, n)
	lrn(dst, src, size, alpha, beta, k, rows, n)
}
