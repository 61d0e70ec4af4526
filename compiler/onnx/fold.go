package onnx

import (
	"math"

	"github.com/cnnc-dev/cnnc/compiler/ir"
)

// product is what a convolution and a linear layer have in common: weights
// [out, in/groups, taps...], a bias, and norms to fold into them.
type product struct {
	key           string
	dims          []int
	groups        int
	bias          bool
	before, after []ir.Norm // over the input's and the output's channels
}

// parameters returns the weights and, if there is one, the bias.
func (b *builder) parameters(p product) []string {
	weight, bias := p.key+".weight", p.key+".bias"
	if len(p.before) == 0 && len(p.after) == 0 {
		names := []string{b.tensor(weight, p.dims...)}
		if p.bias {
			names = append(names, b.tensor(bias, p.dims[0]))
		}
		return names
	}
	w, c := b.fold(p)
	return []string{b.floats(weight, p.dims, w), b.floats(bias, p.dims[:1], c)}
}

// fold multiplies norms into weights and bias:
//
//	s*(W (r*x + q) + b) + t = (s*W*r) x + s*(W q + b) + t
//
// where r and q come before, a channel of the input, s and t after. No padding
// comes between x and r*x + q.
func (b *builder) fold(p product) (weight, bias []float32) {
	out, in := p.dims[0], p.dims[1]
	taps := 1
	for _, d := range p.dims[2:] {
		taps *= d
	}
	r, q := b.chain(p.before, in*p.groups)
	s, t := b.chain(p.after, out)
	w := b.read(p.key+".weight", p.dims...)
	c := make([]float32, out)
	if p.bias {
		c = b.read(p.key+".bias", out)
	}
	weight, bias = make([]float32, len(w)), make([]float32, out)
	for o := range out {
		first := o / (out / p.groups) * in // input channel of the group
		sum := float64(c[o])
		for i := range in {
			for k := range taps {
				at := (o*in+i)*taps + k
				x := float64(w[at])
				sum += x * q[first+i]
				weight[at] = float32(s[o] * x * r[first+i])
			}
		}
		bias[o] = float32(s[o]*sum + t[o])
	}
	return weight, bias
}

// chain multiplies norms over c channels out, to x*scale + shift.
func (b *builder) chain(norms []ir.Norm, c int) (scale, shift []float64) {
	scale, shift = make([]float64, c), make([]float64, c)
	for i := range scale {
		scale[i] = 1
	}
	for _, n := range norms {
		factor, summand := b.factors(n, c)
		for i := range scale {
			scale[i] *= factor(i)
			shift[i] = shift[i]*factor(i) + summand(i)
		}
	}
	return scale, shift
}

// factors returns what a norm over c channels multiplies with and adds, by
// channel.
func (b *builder) factors(n ir.Norm, c int) (factor, summand func(i int) float64) {
	switch n.Op {
	case ir.OpBatchNorm:
		mean, variance := b.read(n.Weights+".running_mean", c), b.read(n.Weights+".running_var", c)
		weight, bias := func(int) float64 { return 1 }, func(int) float64 { return 0 }
		if n.Affine {
			weight, bias = each(b.read(n.Weights+".weight", c)), each(b.read(n.Weights+".bias", c))
		}
		factor = func(i int) float64 { return weight(i) / math.Sqrt(float64(variance[i])+n.Eps) }
		return factor, func(i int) float64 { return bias(i) - float64(mean[i])*factor(i) }
	case ir.OpScale:
		return each(b.read(n.Weights, n.Dims...)), func(int) float64 { return 0 }
	default: // ir.OpAffine
		return each(n.Scale), each(n.Shift)
	}
}

// each returns a list's value of a channel, where a single one is for all.
func each[F float32 | float64](values []F) func(i int) float64 {
	return func(i int) float64 {
		if len(values) == 1 {
			i = 0
		}
		return float64(values[i])
	}
}
