package runtime

import (
	"fmt"
	"math"
	"math/rand/v2"
	goruntime "runtime"
	"slices"
	"testing"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu/cputest"
	"github.com/cnnc-dev/cnnc/runtime/ref"
)

// The tests of ops run each one in an arena full of canaries, under several layouts,
// batches and numbers of threads, and compare with package ref.

// TestMain sees to it that a session of a test has the threads that it asks for, on any machine:
// there are no more than GOMAXPROCS.
func TestMain(m *testing.M) {
	const most = 5 // that tests ask for
	goruntime.GOMAXPROCS(max(most, goruntime.GOMAXPROCS(0)))
	m.Run()
}

// setting is how a test lays tensors out and runs an op.
type setting struct {
	threads, batch, images int
	gap                    int // floats between the channels of two pixels
	channel                int // of the views in their pixels
	inPlace                bool
}

var settings = []setting{
	{threads: 1, batch: 1, images: 1},
	{threads: 2, batch: 1, images: 1, gap: 5},
	{threads: 1, batch: 3, images: 2, gap: 3, channel: 2},
	{threads: 3, batch: 3, images: 3, gap: 16, channel: 16},
	{threads: 2, batch: 2, images: 2},
}

func (c setting) String() string {
	return fmt.Sprintf("threads=%d,batch=%d/%d,gap=%d,channel=%d", c.threads, c.images, c.batch, c.gap, c.channel)
}

// levels calls f under every instruction set of this machine.
func levels(t *testing.T, f func(t *testing.T)) { cputest.EachAndTiles(t, f) }

// operand is an input of an op: all images, NCHW.
type operand struct {
	shape Shape
	data  []float32
}

func random(rng *rand.Rand, images int, shape Shape) operand {
	o := operand{shape, make([]float32, images*shape.Len())}
	for i := range o.data {
		o.data[i] = float32(rng.NormFloat64() * 2)
	}
	return o
}

// wide returns the operand for package ref.
func (o operand) wide() []float64 {
	w := make([]float64, len(o.data))
	for i, v := range o.data {
		w[i] = float64(v)
	}
	return w
}

func dims(images int, s Shape) ref.Dims { return ref.Dims{N: images, C: s.C, H: s.H, W: s.W} }

// canary fills the arena where no tensor is, and scratch memory.
var canary = math.Float32frombits(0x7fc0beef)

// execute lays the operands out, calls run, and returns its result in NCHW order. It
// fails the test if run writes anywhere but to dst.
func execute(t *testing.T, c setting, out Shape, srcs []operand, run func(s *Session, dst View, srcs []View)) []float32 {
	t.Helper()
	return executeIn(t, Memory{}, c, out, srcs, run)
}

// executeIn is execute for layers that need more memory than the arena of the operands.
func executeIn(t *testing.T, mem Memory, c setting, out Shape, srcs []operand, run func(s *Session, dst View, srcs []View)) []float32 {
	t.Helper()
	end := 0
	place := func(shape Shape) View {
		v := View{Offset: end, Channel: c.channel, Pitch: c.channel + shape.C + c.gap}
		end += roundUp(shape.Pixels()*v.Pitch, lineFloats) + lineFloats
		return v
	}
	var views []View
	for _, o := range srcs {
		views = append(views, place(o.shape))
	}
	dst := place(out)
	if c.inPlace {
		dst = views[0]
	}

	mem.Arena = end
	s := NewSession(mem, Threads(c.threads), Batch(c.batch))
	defer s.Close()
	for i := range s.arena[:s.zeros] {
		s.arena[i] = canary
	}
	for i := range s.scratchMem { // whatever was left there
		s.scratchMem[i] = canary
	}
	s.Begin(c.images)
	defer s.End()
	for i, o := range srcs {
		s.Input(views[i], o.shape, o.data)
	}
	before := slices.Clone(s.arena)
	run(s, dst, views)

	result := make([]float32, c.images*out.Len())
	s.Output(result, dst, out)
	written := s.tensor(dst, out)
	for p := range c.images * out.Pixels() {
		copy(written.data[p*written.pitch:][:out.C], before[dst.Offset*c.batch+dst.Channel+p*dst.Pitch:])
	}
	for i, v := range s.arena {
		if math.Float32bits(v) != math.Float32bits(before[i]) {
			t.Fatalf("%v: float %d of the arena was written, outside of dst", c, i)
		}
	}
	return result
}

// compare fails the test if got is further than the tolerance from want: absolute, and
// relative to want. NaNs must meet NaNs, infinities themselves.
func compare(t *testing.T, what any, got []float32, want []float64, absolute, relative float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%v: %d results, want %d", what, len(got), len(want))
	}
	for i, g := range got {
		w, g := want[i], float64(g)
		if math.IsNaN(w) && math.IsNaN(g) || w == g || math.Abs(g-w) <= absolute+relative*math.Abs(w) && !math.IsInf(g, 0) {
			continue
		}
		t.Fatalf("%v: element %d is %v, want %v", what, i, g, w)
	}
}

// narrow rounds to float32, for ops that are exact.
func narrow(w []float64) []float64 {
	for i, v := range w {
		w[i] = float64(float32(v))
	}
	return w
}
