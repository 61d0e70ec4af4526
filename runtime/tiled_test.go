package runtime

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
)

// What the estimate says of layers whose times were measured, on both sides of the line.
func TestTilesPay(t *testing.T) {
	for _, c := range []struct {
		layer convCase
		want  bool
	}{
		{pointwise(19, 728, 728), true},  // Xception: 1.3 ms instead of 2.0
		{pointwise(28, 128, 512), true},  // ResNet-50
		{pointwise(14, 1024, 256), true}, // ResNet-50
		{pointwise(7, 2048, 512), false}, // ResNet-50: bound by its weights, half as many again
		{pointwise(112, 16, 96), false},  // MobileNet v2: half a block
		{pointwise(56, 144, 24), false},  // MobileNet v2: splitting the input takes as long as the products
		{threeByThree(14, 256, 256), false},
	} {
		op := c.layer.op(Act{})
		if got := op.tilesPay(); got != c.want {
			t.Errorf("%v to %v: %v, want %v", op.In, op.Out, got, c.want)
		}
	}
}

// A batch is cut into other chunks and strips than an image alone, which does not change a bit.
func TestTiledBatch(t *testing.T) {
	if !cpu.Tiles() {
		t.Skip("without AMX there are no tiles")
	}
	rng := rand.New(rand.NewPCG(21, 0))
	op := pointwise(13, 200, 300).op(Act{Kind: ReLU})
	l := NewLoader(convWeights(rng, op))
	packed := l.Conv("conv", op)
	if err := l.Err(); err != nil {
		t.Fatal(err)
	}
	if _, ok := packed.algo.(*tiled); !ok {
		t.Fatalf("computed by a %T, want tiles", packed.algo)
	}
	const batch = 5
	src := random(rng, batch, op.In)
	run := func(s setting, src operand) []float32 {
		return executeIn(t, l.Memory(0), s, op.Out, []operand{src}, func(s *Session, dst View, srcs []View) { packed.Run(s, dst, srcs[0]) })
	}
	all := run(setting{threads: 2, batch: batch, images: batch}, src)
	for i := range batch {
		one := operand{op.In, src.data[i*op.In.Len():][:op.In.Len()]}
		got := run(setting{threads: 1, batch: 1, images: 1}, one)
		if !slices.Equal(got, all[i*op.Out.Len():][:op.Out.Len()]) {
			t.Errorf("image %d alone differs from the same in a batch", i)
		}
	}
}
