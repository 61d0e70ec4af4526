package shape

import "math"

// What a network may ask for. The largest networks that people run stay below
// these by a factor of ten or more; what lies above is a mistake or an attack.
// They are low enough that no product of two of them overflows an int64.
const (
	MaxAxis    = 1 << 24 // an axis, a kernel, a stride, a padding
	MaxElems   = 1 << 30 // elements of one tensor, one image or one weight: 4 GiB of float32
	MaxWeights = 1 << 31 // elements of all of a network's weights: 8 GiB of float32
)

// Product returns the product of factors, or false if a factor is negative or the
// product does not fit an int64.
func Product(factors ...int) (int64, bool) {
	p := int64(1)
	for _, f := range factors {
		if f < 0 || (f > 0 && p > math.MaxInt64/int64(f)) {
			return 0, false
		}
		p *= int64(f)
	}
	return p, true
}

// New returns the shape of the given axes: [channels, height, width] or
// [features], each 1 to MaxAxis, the product at most MaxElems.
func New(dims ...int) (Shape, error) {
	s := Shape(dims)
	if len(s) != 1 && len(s) != 3 {
		return nil, &Error{
			Code:    CodeRank,
			Summary: "a shape has one axis, [features], or three, [channels height width]: this is " + s.String(),
			Label:   "neither a vector nor a map",
			Help:    "leave out the batch: every network runs any batch",
			Arg:     -1,
		}
	}
	for _, d := range s {
		if d < 1 {
			return nil, errLeast("shape "+s.String(), "axis", 1, d)
		}
	}
	if err := checkTensor("shape "+s.String(), s); err != nil {
		return nil, err
	}
	return s, nil
}

// checkTensor reports whether a tensor of these axes, an activation or a
// weight, stays within the limits. What names it in the error.
func checkTensor(what string, dims []int) error {
	for _, d := range dims {
		if d > MaxAxis {
			return errLimit(what, MaxAxis, "along one axis")
		}
	}
	if n, ok := Product(dims...); !ok || n > MaxElems {
		return errLimit(what, MaxElems, "elements")
	}
	return nil
}

// CheckWeights reports whether a network's weights, n elements in all, stay
// within the limit.
func CheckWeights(n int64) error {
	if n > MaxWeights {
		return errLimit("the network's weights", MaxWeights, "elements")
	}
	return nil
}
