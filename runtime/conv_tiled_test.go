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
		if got := op.Tiled(); got != (c.want && cpu.Tiles()) {
			t.Errorf("%v to %v: tiled is %v", op.In, op.Out, got)
		}
		if _, got := newAlgorithm(op, cpu.Level(), cpu.Tiles()).(*tiled); got != op.Tiled() {
			t.Errorf("%v to %v: made for tiles is %v", op.In, op.Out, got)
		}
	}
}

// tiles packs a convolution for AMX, whether that pays or not.
func tiles(l *Loader, op *Conv) *PackedConv { return packTiled(l, newTiled(op)) }

// smallTiles does so with as little of the input at a time as there can be.
func smallTiles(l *Loader, op *Conv) *PackedConv {
	t := newTiled(op)
	t.most = 2
	if op.oneTap() && !t.changes {
		t.deep = 1
	}
	return packTiled(l, t)
}

func packTiled(l *Loader, t *tiled) *PackedConv {
	layer := l.layer()
	l.packFilter(layer, t, layer.filter("conv", t.op, t.op.weights(), nil))
	return &PackedConv{t.op, t}
}

// The tiles compute all that Direct does, but for groups.
func TestTiled(t *testing.T) {
	needTiles(t)
	for i, cc := range append(convCases, pointwise(13, 100, 70)) {
		if cc.algo != Direct || cc.groups > 1 {
			continue
		}
		t.Run(cc.name, func(t *testing.T) {
			truth := newConvTruth(rand.New(rand.NewPCG(20, uint64(i))), cc.op(Act{}))
			for j, set := range settings {
				act := []Act{{}, {Kind: ReLU}, {Kind: ReLU6}, {Kind: SiLU}}[(i+j)%4]
				truth.checkPacked(t, set, act, j%2 == 1, tiles)
				truth.checkPacked(t, set, act, j%2 == 0, smallTiles)
				set.inPlace = true
				truth.checkPacked(t, set, act, true, tiles)
				truth.checkPacked(t, set, act, true, smallTiles)
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

// Every strip is computed once by every panel, and tasks have about as many of them each.
func TestTiledChunks(t *testing.T) {
	for _, panels := range []int{1, 2, 3, 16} {
		for _, strips := range []int{1, 2, 7, 25, 98} {
			for _, chunks := range []int{1, 2, 3, 8} {
				c := tiledCall{tiled: &tiled{panels: panels}, strips: strips, chunks: chunks}
				for chunk := range chunks {
					sum := 0
					for p := range panels {
						if c.begins(0, p) != 0 || c.begins(chunks, p) != strips {
							t.Fatalf("%d strips begin with %d and end with %d", strips, c.begins(0, p), c.begins(chunks, p))
						}
						sum += c.begins(chunk+1, p) - c.begins(chunk, p)
					}
					if even := strips * panels / chunks; sum < even || sum > even+1 {
						t.Errorf("%d strips by %d panels in %d chunks: chunk %d has %d, not %d", strips, panels, chunks, chunk, sum, even)
					}
				}
			}
		}
	}
}

// Chunks have no more strips than there is room for.
func TestTiledRoom(t *testing.T) {
	for _, panels := range []int{1, 2, 3, 16} {
		for most := 2; most < 10; most++ {
			for strips := range 100 {
				c := tiledCall{tiled: &tiled{panels: panels}, strips: strips, chunks: chunksOf(strips, most)}
				for chunk := range c.chunks {
					if n := c.begins(chunk+1, 0) - c.begins(chunk, panels-1); n > most {
						t.Fatalf("%d strips by %d panels, room for %d: chunk %d of %d has %d", strips, panels, most, chunk, c.chunks, n)
					}
				}
			}
		}
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
