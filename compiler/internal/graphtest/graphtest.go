// Package graphtest makes small random graphs, with weights and inputs, for
// tests that compare two ways to compute the same network.
package graphtest

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/cnnc-dev/cnnc/compiler/interp"
	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/shape"
	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// Random returns a graph that depends on seed alone: an image, some twenty random
// operations of every kind, and one to three outputs. Operations prefer recent
// values, so that chains form which passes can fuse, but now and then reach far
// back, so that values have several users.
func Random(seed uint64) *ir.Graph {
	rng := rand.New(rand.NewPCG(seed, 0))
	m := &maker{Rand: rng, b: ir.NewBuilder(fmt.Sprintf("random%d", seed))}
	s, err := shape.New(1+m.IntN(8), 5+m.IntN(5), 5+m.IntN(5))
	if err != nil {
		panic(err)
	}
	id, err := m.b.Input("image", s, diag.Span{})
	if err != nil {
		panic(err)
	}
	m.ids = append(m.ids, id)
	for range 10 + m.IntN(20) {
		m.step()
	}
	m.b.Output("out", m.ids[len(m.ids)-1])
	for i := range m.IntN(3) {
		m.b.Output(fmt.Sprintf("aux%d", i), m.pick())
	}
	g, err := m.b.Graph()
	if err != nil {
		panic(err)
	}
	return g
}

type maker struct {
	*rand.Rand
	b   *ir.Builder
	ids []ir.ID
}

// pick returns a value made before, more likely a recent one.
func (m *maker) pick() ir.ID {
	back := 0
	for back < len(m.ids)-1 && m.IntN(3) == 0 {
		back += 1 + m.IntN(4)
	}
	return m.ids[max(0, len(m.ids)-1-back)]
}

// like returns a value of x's shape other than x, or x if there is none.
func (m *maker) like(x ir.ID) ir.ID {
	for i := len(m.ids) - 1; i >= 0; i-- {
		if id := m.ids[i]; id != x && m.b.Value(id).Shape.Equal(m.b.Value(x).Shape) {
			return id
		}
	}
	return x
}

// add adds an operation, and does nothing if its shapes do not fit.
func (m *maker) add(op ir.Op, attr ir.Attr, args ...ir.ID) (ir.ID, bool) {
	id, err := m.b.Add(op, attr, m.b.UniqueName(op.String()), diag.Span{}, args...)
	if err != nil {
		return 0, false
	}
	m.ids = append(m.ids, id)
	return id, true
}

var activations = []ir.Op{
	ir.OpReLU, ir.OpReLU6, ir.OpSigmoid, ir.OpTanh, ir.OpSiLU,
	ir.OpHardSigmoid, ir.OpHardSwish, ir.OpGELU, ir.OpGELUTanh,
}

// step adds a random operation on a random value.
func (m *maker) step() {
	x := m.pick()
	s := m.b.Value(x).Shape
	c := s.Channels()
	key := func(kind string) string { return m.b.UniqueName("w." + kind + fmt.Sprint(len(m.ids))) }
	switch m.IntN(25) {
	case 0, 1, 2:
		m.conv(x, key("conv"))
	case 3: // a residual
		if y, ok := m.add(ir.OpConv, &ir.Conv{
			Out: c, Kernel: shape.Square(3), Stride: shape.Square(1), Dilation: shape.Square(1),
			Pad: shape.PadAll(1), Groups: 1, Weights: key("conv"),
		}, x); ok {
			args := []ir.ID{x, y}
			m.Shuffle(2, func(i, j int) { args[i], args[j] = args[j], args[i] })
			m.add(ir.OpAdd, &ir.Sum{}, args...)
		}
	case 4, 5, 6:
		m.add(ir.OpBatchNorm, &ir.BatchNorm{Eps: 1e-3, Affine: m.IntN(4) > 0, Weights: key("bn")}, x)
	case 7, 8, 9:
		m.add(activations[m.IntN(len(activations))], nil, x)
	case 10:
		m.add(ir.OpLeakyReLU, &ir.Slope{Slope: 0.1}, x)
	case 11:
		dims := []int{c}
		if m.IntN(2) == 0 {
			dims = []int{c, 1, 1}
		}
		m.add(ir.OpScale, &ir.Scale{Weights: key("scale"), Dims: dims}, x)
	case 12:
		m.add(ir.OpAffine, &ir.Affine{Scale: []float64{1.5}, Shift: []float64{-0.25}}, x)
	case 13:
		args := []ir.ID{x, m.like(x)}
		if m.IntN(3) == 0 {
			args = append(args, m.like(args[1]))
		}
		m.add(ir.OpAdd, &ir.Sum{}, args...)
	case 14:
		if g, ok := m.add(ir.OpGlobalPool, &ir.GlobalPool{Max: m.IntN(2) == 0}, x); ok && m.IntN(3) > 0 {
			m.add(ir.OpMul, nil, [][]ir.ID{{x, g}, {g, x}}[m.IntN(2)]...)
		}
	case 15:
		args := []ir.ID{x, m.pick()}
		if last := m.b.Value(m.ids[len(m.ids)-1]); last.Op == ir.OpConcat {
			args = append(slices.Clone(last.Args), m.pick()) // as DenseNet does
		}
		m.add(ir.OpConcat, nil, args...)
	case 16:
		from := m.IntN(c)
		m.add(ir.OpSlice, &ir.Slice{From: from, To: from + 1 + m.IntN(c-from)}, x)
	case 17:
		m.add(ir.OpPad, &ir.Pad{Pad: shape.Padding{Top: m.IntN(2), Left: m.IntN(2), Bottom: m.IntN(2), Right: m.IntN(2)}}, x)
	case 18:
		m.add([]ir.Op{ir.OpDropout, ir.OpDropPath}[m.IntN(2)], &ir.Dropout{P: 0.5}, x)
	case 19:
		if f, ok := m.add(ir.OpFlatten, nil, x); ok && m.IntN(4) > 0 {
			x = f
		}
		m.add(ir.OpLinear, &ir.Linear{Out: 1 + m.IntN(20), Bias: m.IntN(2) == 0, Weights: key("linear")}, x)
	case 20:
		m.pool(x)
	case 21:
		m.rare(x, key("ln"))
	case 22:
		m.branches(x)
	case 23: // what stands between DenseNet's blocks
		if y, ok := m.add(ir.OpConv, &ir.Conv{
			Out: 1 + m.IntN(20), Kernel: shape.Square(1), Stride: shape.Square(1), Dilation: shape.Square(1),
			Groups: 1, Weights: key("conv"),
		}, x); ok {
			m.halve(y)
		}
	case 24: // LeNet-5's sub-sampling
		if y, ok := m.halve(x); ok {
			m.add(ir.OpConv, &ir.Conv{
				Out: c, Kernel: shape.Square(1), Stride: shape.Square(1), Dilation: shape.Square(1),
				Groups: c, Bias: true, Weights: key("conv"),
			}, y)
		}
	}
}

// halve adds means over windows side by side.
func (m *maker) halve(x ir.ID) (ir.ID, bool) {
	return m.add(ir.OpAvgPool, &ir.Pool{Kernel: shape.Square(2), Stride: shape.Square(2), Dilation: shape.Square(1), Ceil: m.IntN(2) == 0}, x)
}

// branches adds convolutions of some of x's channels, and joins them.
func (m *maker) branches(x ir.ID) {
	c := m.b.Value(x).Shape.Channels()
	var joined []ir.ID
	for i := range 2 + m.IntN(3) {
		branch := x
		if i > 0 || m.IntN(2) == 0 {
			if seen, ok := m.add(ir.OpPick, &ir.Pick{Channels: m.Perm(c)[:1+m.IntN(c)]}, x); ok {
				branch = seen
			}
		}
		weights := m.b.UniqueName(fmt.Sprint("w.branch", len(m.ids)))
		y, ok := m.add(ir.OpConv, &ir.Conv{
			Out: 1 + m.IntN(6), Kernel: shape.Square(3), Stride: shape.Square(1), Dilation: shape.Square(1),
			Pad: shape.PadAll(1), Groups: 1, Bias: m.IntN(8) > 0, Weights: weights,
		}, branch)
		if ok && m.IntN(4) == 0 {
			y, ok = m.add(ir.OpBatchNorm, &ir.BatchNorm{Eps: 1e-3, Affine: true, Weights: weights + ".bn"}, y)
		}
		if ok {
			joined = append(joined, y)
		}
	}
	m.add(ir.OpConcat, nil, joined...)
}

func (m *maker) conv(x ir.ID, key string) {
	c := m.b.Value(x).Shape.Channels()
	a := &ir.Conv{
		Out: 1 + m.IntN(20), Kernel: shape.Size{H: 1 + m.IntN(3), W: 1 + m.IntN(3)},
		Stride: shape.Size{H: 1 + m.IntN(2), W: 1 + m.IntN(2)}, Dilation: shape.Square(1),
		Groups: 1, Bias: m.IntN(2) == 0, Weights: key,
	}
	switch m.IntN(4) {
	case 0:
		a.Groups, a.Out = c, c
	case 1:
		a.Kernel, a.Stride = shape.Square(1), shape.Square(1)
	}
	if m.IntN(2) == 0 {
		a.Pad = shape.Padding{Top: m.IntN(2), Left: m.IntN(2), Bottom: m.IntN(2), Right: m.IntN(2)}
	}
	m.add(ir.OpConv, a, x)
}

func (m *maker) pool(x ir.ID) {
	a := &ir.Pool{
		Kernel: shape.Square(1 + m.IntN(3)), Stride: shape.Square(1 + m.IntN(2)), Dilation: shape.Square(1),
		Ceil: m.IntN(2) == 0, CountPad: m.IntN(2) == 0,
	}
	if a.Kernel.H > 1 {
		a.Pad = shape.PadAll(m.IntN(2))
	}
	m.add([]ir.Op{ir.OpMaxPool, ir.OpAvgPool}[m.IntN(2)], a, x)
}

// rare adds one of the operations that no pass looks at.
func (m *maker) rare(x ir.ID, key string) {
	c := m.b.Value(x).Shape.Channels()
	switch m.IntN(6) {
	case 0:
		if affine := m.IntN(2) == 0; affine && c%2 == 0 {
			m.add(ir.OpGRN, &ir.GRN{Eps: 1e-3, Weights: key}, x)
		} else {
			m.add(ir.OpLayerNorm, &ir.LayerNorm{Eps: 1e-3, Affine: affine, Weights: key}, x)
		}
	case 1:
		m.add(ir.OpLRN, &ir.LRN{Size: 1 + m.IntN(5), Alpha: 0.1, Beta: 0.75, K: 2}, x)
	case 2:
		m.add(ir.OpAdaptivePool, &ir.AdaptivePool{Out: shape.Square(1 + m.IntN(6)), Max: m.IntN(2) == 0}, x)
	case 3:
		m.add(ir.OpSoftmax, nil, x)
	case 4:
		m.add(ir.OpPick, &ir.Pick{Channels: []int{m.IntN(c), m.IntN(c), m.IntN(c)}}, x)
	case 5:
		m.add(ir.OpShuffle, &ir.Shuffle{Groups: []int{1, 2, 3, c}[m.IntN(4)]}, x)
	}
}

// Weights invents every tensor of a checkpoint from its key: values in [-1, 1),
// variances in [0.5, 1.5), matrices such that what they are multiplied with neither
// grows nor shrinks.
func Weights(key string, shape []int) ([]float32, error) {
	n := 1
	for _, d := range shape {
		n *= d
	}
	bound := float32(1)
	if len(shape) > 1 {
		bound = float32(math.Sqrt(3 * float64(shape[0]) / float64(n)))
	}
	rng := seeded(key)
	data := make([]float32, n)
	for i := range data {
		data[i] = bound * (2*rng.Float32() - 1)
		if strings.HasSuffix(key, ".running_var") {
			data[i] = 1 + data[i]/2
		}
	}
	return data, nil
}

// Inputs invents a batch of every input of g, values in [-1, 1) that float32 can
// hold.
func Inputs(g *ir.Graph, batch int) interp.Tensors {
	in := interp.Tensors{}
	for _, v := range g.Inputs() {
		rng := seeded(v.Name)
		data := make([]float64, batch*v.Shape.Elems())
		for i := range data {
			data[i] = float64(2*rng.Float32() - 1)
		}
		in[v.Name] = data
	}
	return in
}

func seeded(key string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(key))
	return rand.New(rand.NewPCG(h.Sum64(), 0))
}
