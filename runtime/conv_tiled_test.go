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
		{convCase{"3x3, stride 2", Direct, Shape{256, 28, 28}, 256, square(3), square(2), square(1), around(1), 1}, true},
		{convCase{"3x3, 7x7", Direct, Shape{512, 7, 7}, 512, square(3), square(1), square(1), around(1), 1}, false},
	} {
		op := c.layer.op(Act{})
		if got := op.tilesPay(); got != c.want {
			t.Errorf("%v to %v: %v, want %v", op.In, op.Out, got, c.want)
		}
	}
}

// tiles packs a convolution for AMX, whether that pays or not.
func tiles(l *Loader, op *Conv) *PackedConv {
	p := &PackedConv{op, newTiled(op)}
	layer := l.layer()
	l.packFilter(layer, p.algo, layer.filter("conv", op, op.weights(), nil))
	return p
}

// The tiles compute all that Direct does, but for groups.
func TestTiled(t *testing.T) {
	needTiles(t)
	for i, cc := range convCases {
		if cc.algo != Direct || cc.groups > 1 {
			continue
		}
		t.Run(cc.name, func(t *testing.T) {
			truth := newConvTruth(rand.New(rand.NewPCG(20, uint64(i))), cc.op(Act{}))
			for j, set := range settings {
				act := []Act{{}, {Kind: ReLU}, {Kind: ReLU6}, {Kind: SiLU}}[(i+j)%4]
				truth.checkPacked(t, set, act, j%2 == 1, tiles)
				set.inPlace = true
				truth.checkPacked(t, set, act, true, tiles)
			}
		})
	}
}

func needTiles(t *testing.T) {
	t.Helper()
	if !cpu.Tiles() {
		t.Skip("without AMX there are no tiles")
	}
}

// A batch is cut into other chunks and strips than an image alone, which does not change a bit.
func TestTiledBatch(t *testing.T) {
	needTiles(t)
	rng := rand.New(rand.NewPCG(21, 0))
	for _, layer := range []convCase{
		pointwise(13, 200, 300),
		{"3x3", Direct, Shape{100, 13, 13}, 200, square(3), square(1), square(1), around(1), 1},
	} {
		op := layer.op(Act{Kind: ReLU})
		l := NewLoader(convWeights(rng, op))
		packed := tiles(l, op)
		if err := l.Err(); err != nil {
			t.Fatal(err)
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
				t.Errorf("%v: image %d alone differs from the same in a batch", op.Kernel, i)
			}
		}
	}
}
