package ref

import "math"

// Apply sets dst[i] = f(src[i]); f is one of the activations below. A NaN stays
// one through all of them.
func Apply(dst, src []float64, f func(float64) float64) {
	for i, x := range src {
		dst[i] = f(x)
	}
}

// ReLU is max(x, 0).
func ReLU(x float64) float64 { return max(x, 0) }

// ReLU6 is min(max(x, 0), 6).
func ReLU6(x float64) float64 { return min(max(x, 0), 6) }

// LeakyReLU returns x, or slope * x where x is negative, as an activation.
func LeakyReLU(slope float64) func(float64) float64 {
	return func(x float64) float64 {
		if x < 0 {
			return slope * x
		}
		return x
	}
}

// Sigmoid is 1 / (1 + exp(-x)).
func Sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// Tanh is the hyperbolic tangent.
func Tanh(x float64) float64 { return math.Tanh(x) }

// SiLU is x * sigmoid(x).
func SiLU(x float64) float64 { return x * Sigmoid(x) }

// HardSigmoid is relu6(x + 3) / 6.
func HardSigmoid(x float64) float64 { return ReLU6(x+3) / 6 }

// HardSwish is x * relu6(x + 3) / 6.
func HardSwish(x float64) float64 { return x * ReLU6(x+3) / 6 }

// GELU is x times the normal distribution's integral up to x, exactly.
func GELU(x float64) float64 { return x * 0.5 * math.Erfc(-x/math.Sqrt2) }

// GELUTanh is GELU by its tanh approximation.
func GELUTanh(x float64) float64 {
	return 0.5 * x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
}

// Add sums its sources element by element, from left to right.
func Add(dst []float64, srcs ...[]float64) {
	for i := range dst {
		total := srcs[0][i]
		for _, s := range srcs[1:] {
			total += s[i]
		}
		dst[i] = total
	}
}

// Mul multiplies a, of size d, by b: of the same size, or one factor a
// channel, [N, C, 1, 1].
func Mul(dst, a, b []float64, d, db Dims) {
	per := d.H * d.W / (db.H * db.W) // pixels of a for one of b
	for i := range d.Len() {
		dst[i] = a[i] * b[i/per]
	}
}
