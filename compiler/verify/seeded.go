package verify

import (
	"fmt"

	"github.com/cnnc-dev/cnnc/runtime"
)

// Seeded tensors: every value follows from the tensor's key and its index alone,
// so that references need not ship weights.

// seed is the FNV-1a hash of a key.
func seed(key string) uint64 {
	h := uint64(0xCBF29CE484222325)
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * 0x100000001B3
	}
	return h
}

// uniform returns the i-th value of a seeded sequence, in [0, 1): splitmix64.
func uniform(seed uint64, i int) float64 {
	z := seed + uint64(i+1)*0x9E3779B97F4A7C15
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	z ^= z >> 31
	return float64(z>>11) * 0x1p-53
}

// Seeded returns n values of a key, in [lo, hi). Like the reference, it rounds
// once, to float32.
func Seeded(key string, n int, lo, hi float64) []float32 {
	data := make([]float32, n)
	h, width := seed(key), hi-lo
	for i := range data {
		// The conversion forbids fusing the product and the sum into one
		// rounding, which some processors would.
		data[i] = float32(lo + float64(width*uniform(h, i)))
	}
	return data
}

// Picture returns the seeded picture of a name: n images of c channels, NCHW, a
// fine pattern over seven by seven coarse patches, in [-2, 2.5).
func Picture(name string, n, c, h, w int) []float32 {
	const patches = 7
	coarse, fine := seed(name+":coarse"), seed(name+":fine")
	data := make([]float32, n*c*h*w)
	for i := range data {
		plane, y, x := i/(h*w), i/w%h, i%w
		patch := (plane*patches+y*patches/h)*patches + x*patches/w
		u := float64(0.75*uniform(coarse, patch)) + float64(0.25*uniform(fine, i))
		data[i] = float32(-2 + float64(4.5*u))
	}
	return data
}

// Weights returns the reference's checkpoint; tensors are made when they are read.
func Weights(r *Reference) runtime.Tensors {
	w := &weights{keys: make([]string, len(r.Tensors)), byKey: make(map[string]*Tensor, len(r.Tensors))}
	for i := range r.Tensors {
		w.keys[i] = r.Tensors[i].Key
		w.byKey[w.keys[i]] = &r.Tensors[i]
	}
	return w
}

type weights struct {
	keys  []string
	byKey map[string]*Tensor
}

func (w *weights) Keys() []string { return w.keys }

func (w *weights) Shape(key string) ([]int, bool) {
	t, ok := w.byKey[key]
	if !ok {
		return nil, false
	}
	return t.Shape, true
}

func (w *weights) Read(key string) ([]float32, error) {
	t, ok := w.byKey[key]
	if !ok {
		return nil, fmt.Errorf("the reference has no tensor %q", key)
	}
	n, err := elems(t.Shape)
	if err != nil {
		return nil, err
	}
	return Seeded(key, n, t.Lo, t.Hi), nil
}
