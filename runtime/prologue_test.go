package runtime

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// prologueLayers are pointwise convolutions of every kind of grid: one tile and many,
// one block of weights and several, bands that images share, more weights than input.
var prologueLayers = []convCase{
	pointwise(5, 24, 40), pointwise(1, 70, 33), pointwise(9, 1, 1), pointwise(2, 1024, 17),
	pointwise(7, 200, 700), pointwise(3, 520, 700), pointwise(20, 400, 130), pointwise(4, 8192, 20),
}

// prologues are what may be done to a convolution's input.
var prologues = []struct {
	norm bool
	act  Act
	pool Size
	gate bool
}{
	{norm: true},
	{norm: true, act: Act{Kind: ReLU}},
	{norm: true, act: Act{Kind: SiLU}},
	{act: Act{Kind: ReLU6}},
	{act: Act{Kind: LeakyReLU, Slope: 0.1}},
	{gate: true},
	{norm: true, act: Act{Kind: ReLU}, gate: true},
	{act: Act{Kind: GELU}, gate: true},
	{norm: true, act: Act{Kind: ReLU}, pool: square(2)},
	{pool: Size{1, 3}, gate: true},
}

// prologueCase is a convolution that changes its input, and the layers that it is made of.
type prologueCase struct {
	op    *Conv
	fused *PackedConv
	mem   Memory

	affine *PackedAffine
	act    *Activation
	pool   *AvgPool
	mul    *Mul
	plain  *PackedConv

	between View // in a session: what plain reads
}

// newPrologueCase packs the i-th of the prologues for a layer.
func newPrologueCase(t testing.TB, layer convCase, i int, act Act) *prologueCase {
	t.Helper()
	rng := rand.New(rand.NewPCG(13, uint64(i)))
	op := layer.op(act)
	weights := convWeights(rng, op)
	for _, part := range []string{".weight", ".bias", ".running_mean", ".running_var"} {
		weights["in"+part] = randomTensor(rng, op.In.C)
	}
	for i, v := range weights["in.running_var"].Data {
		weights["in.running_var"].Data[i] = 0.5 + v*v
	}
	asRead := Norm{Kind: BatchNorm, Key: "in", Eps: 1e-5, Affine: true, Before: true}
	folded := Norm{Kind: Constant, Scale: []float64{2}, Shift: []float64{0.5}, Before: true}
	l := NewLoader(weights)
	kind, fused := prologues[i], *op
	fused.InNorm, fused.InAct, fused.InPool, fused.Gate = kind.norm, kind.act, kind.pool, kind.gate
	if fused.pools() { // with a last row and column that make no window, where that can be
		fused.In.H = op.In.H*kind.pool.H + min(1, kind.pool.H-1)
		fused.In.W = op.In.W*kind.pool.W + min(1, kind.pool.W-1)
	}
	c := &prologueCase{
		op:     &fused,
		plain:  l.Conv("conv", op, folded),
		affine: l.Affine(&Affine{Shape: fused.In, Act: kind.act}, asRead),
		act:    &Activation{Shape: fused.In, Act: kind.act},
		pool:   &AvgPool{In: fused.In, Out: op.In, Kernel: kind.pool, Stride: kind.pool},
		mul:    &Mul{Shape: op.In, Broadcast: true},
	}
	norms := []Norm{folded}
	if fused.InNorm {
		norms = []Norm{asRead, folded}
	}
	c.fused = l.Conv("conv", c.op, norms...)
	if err := l.Err(); err != nil {
		t.Fatal(err)
	}
	c.mem = l.Memory(0)
	return c
}

// operands are the input, the gate and the residual of a few images.
func (c *prologueCase) operands(rng *rand.Rand, images int) []operand {
	return []operand{random(rng, images, c.op.In), random(rng, images, c.op.gate()), random(rng, images, c.op.Out)}
}

// run runs the convolution.
func (c *prologueCase) run(s *Session, dst, src, gate, residual View, add bool) {
	switch {
	case c.op.Gate && add:
		c.fused.RunGatedAdd(s, dst, src, gate, residual)
	case c.op.Gate:
		c.fused.RunGated(s, dst, src, gate)
	case add:
		c.fused.RunAdd(s, dst, src, residual)
	default:
		c.fused.Run(s, dst, src)
	}
}

// steps returns what the layers compute one after the other.
func (c *prologueCase) steps(t *testing.T, images int, x, gate, residual operand, add bool) []float32 {
	set := setting{threads: 1, batch: images, images: images}
	step := func(out Shape, run func(s *Session, dst View, srcs []View), srcs ...operand) operand {
		return operand{out, executeIn(t, c.mem, set, out, srcs, run)}
	}
	switch {
	case c.op.InNorm:
		x = step(c.op.In, func(s *Session, dst View, srcs []View) { c.affine.Run(s, dst, srcs[0]) }, x)
	case c.op.InAct.Kind != None:
		x = step(c.op.In, func(s *Session, dst View, srcs []View) { c.act.Run(s, dst, srcs[0]) }, x)
	}
	if c.op.pools() {
		x = step(c.pool.Out, func(s *Session, dst View, srcs []View) { c.pool.Run(s, dst, srcs[0]) }, x)
	}
	if c.op.Gate {
		x = step(c.mul.Shape, func(s *Session, dst View, srcs []View) { c.mul.Run(s, dst, srcs[0], srcs[1]) }, x, gate)
	}
	return step(c.op.Out, func(s *Session, dst View, srcs []View) {
		if add {
			c.plain.RunAdd(s, dst, srcs[0], srcs[1])
		} else {
			c.plain.Run(s, dst, srcs[0])
		}
	}, x, residual).data
}

// A convolution that changes its input computes, to the last bit, what the layers do that
// it is made of; so it does for any number of threads.
func TestPrologue(t *testing.T) {
	for _, layer := range prologueLayers {
		t.Run(layer.name, func(t *testing.T) {
			levels(t, func(t *testing.T) {
				for i, kind := range prologues {
					c := newPrologueCase(t, layer, i, Act{Kind: SiLU})
					srcs := c.operands(rand.New(rand.NewPCG(14, 0)), 3)
					for j, set := range settings {
						some := []operand{srcs[2].images(set.images), srcs[0].images(set.images), srcs[1].images(set.images)}
						add := (i+j)%2 == 0
						set.inPlace = add
						want := c.steps(t, set.images, some[1], some[2], some[0], add)
						got := executeIn(t, c.mem, set, c.op.Out, some, func(s *Session, dst View, v []View) {
							c.run(s, dst, v[1], v[2], v[0], add)
						})
						if !slices.Equal(got, want) {
							t.Fatalf("%+v, %v: differs from the layers it is made of", kind, set)
						}
					}
				}
			})
		})
	}
}

func TestPrologueAllocatesNothing(t *testing.T) {
	for i := range prologues {
		c := newPrologueCase(t, pointwise(20, 40, 33), i, Act{})
		s, dst, src, gate, residual := c.session(2)
		s.Begin(1)
		if n := testing.AllocsPerRun(5, func() { c.run(s, dst, src, gate, residual, true) }); n != 0 {
			t.Errorf("%+v: %v allocations", prologues[i], n)
		}
		s.End()
		s.Close()
	}
}

// session places the operands in a session's arena.
func (c *prologueCase) session(threads int) (s *Session, dst, src, gate, residual View) {
	mem := c.mem
	place := func(shape Shape) View {
		v := View{Offset: mem.Arena, Pitch: benchPitch(shape.C)}
		mem.Arena += v.Pitch * shape.Pixels()
		return v
	}
	src, gate, residual, dst = place(c.op.In), place(c.op.gate()), place(c.op.Out), place(c.op.Out)
	if c.between = src; !c.op.Gate {
		c.between = place(c.op.In)
	}
	return NewSession(mem, Threads(threads)), dst, src, gate, residual
}

// What is not pointwise cannot change its input, one that pools it can clamp it only, and
// one that is depthwise only pools it:
// mistakes of the calling program.
func TestPrologueRefuses(t *testing.T) {
	padded := convCase{"", Direct, Shape{4, 4, 4}, 4, square(3), square(1), square(1), around(1), 1}.op(Act{})
	padded.Gate = true
	pooled := pointwise(2, 4, 4).op(Act{})
	pooled.In, pooled.InPool, pooled.InAct = Shape{4, 4, 4}, square(2), Act{Kind: SiLU}
	depthwise := *pooled
	depthwise.Groups, depthwise.Algo, depthwise.InAct = 4, Depthwise, Act{Kind: ReLU}
	strided := depthwise
	strided.InAct, strided.Stride = Act{}, square(2)
	for what, op := range map[string]*Conv{
		"padded with a gate": padded, "that pools what SiLU makes": pooled,
		"of depth, clamped": &depthwise, "of depth, strided": &strided,
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a convolution %s was packed", what)
				}
			}()
			NewLoader(memory{}).Conv("conv", op)
		}()
	}
}

// BenchmarkPrologue measures the layers that a convolution is made of and the
// convolution in turns, and reports the best of each.
func BenchmarkPrologue(b *testing.B) {
	for _, c := range []struct {
		layer convCase
		kind  int
	}{
		{pointwise(56, 64, 128), 1}, {pointwise(56, 128, 128), 1}, {pointwise(56, 224, 128), 1}, {pointwise(56, 256, 128), 1},
		{pointwise(28, 128, 128), 1}, {pointwise(28, 320, 128), 1}, {pointwise(28, 512, 256), 1},
		{pointwise(14, 256, 128), 1}, {pointwise(14, 640, 128), 1}, {pointwise(14, 1024, 512), 1},
		{pointwise(7, 512, 128), 1}, {pointwise(7, 1024, 128), 1},
		{pointwise(112, 32, 16), 5}, {pointwise(56, 144, 24), 5}, {pointwise(28, 240, 40), 5}, {pointwise(14, 480, 80), 5},
		{pointwise(14, 672, 112), 5}, {pointwise(7, 672, 192), 5}, {pointwise(7, 1152, 192), 5}, {pointwise(7, 1152, 320), 5},
	} {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("threads=%d/%s", threads, c.layer.name), func(b *testing.B) {
				p := newPrologueCase(b, c.layer, c.kind, Act{})
				s, dst, src, gate, residual := p.session(threads)
				defer s.Close()
				s.Begin(1)
				defer s.End()
				runs := []func(){
					func() {
						if p.op.Gate {
							p.mul.Run(s, src, src, gate)
						} else {
							p.affine.Run(s, p.between, src)
						}
					},
					func() { p.plain.Run(s, dst, p.between) },
					func() { p.run(s, dst, src, gate, residual, false) },
				}
				best := make([]float64, len(runs)) // microseconds
				for b.Loop() {
					for i, run := range runs {
						start := time.Now()
						run()
						if us := float64(time.Since(start)) / 1e3; best[i] == 0 || us < best[i] {
							best[i] = us
						}
					}
				}
				b.ReportMetric(best[0], "us-input")
				b.ReportMetric(best[1], "us-conv")
				b.ReportMetric(best[2], "us-fused")
				b.ReportMetric(best[2]/(best[0]+best[1]), "ratio")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
