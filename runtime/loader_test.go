package runtime

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cnnc-dev/cnnc/runtime/ref"
	"github.com/cnnc-dev/cnnc/runtime/weights"
)

// memory is a checkpoint in memory.
type memory = weights.Map

// burning is a checkpoint whose tensors without data cannot be read.
type burning struct{ memory }

func (m burning) Read(key string) ([]float32, error) {
	if m.memory[key].Data == nil {
		return nil, errors.New("the disk is on fire")
	}
	return m.memory.Read(key)
}

// ones is a tensor of ones.
func ones(shape ...int) Tensor {
	n := 1
	for _, d := range shape {
		n *= d
	}
	t := Tensor{Shape: shape, Data: make([]float32, n)}
	for i := range t.Data {
		t.Data[i] = 1
	}
	return t
}

// loadNorms loads layer normalisations of four channels, keys given.
func loadNorms(src Tensors, keys ...string) error {
	l := NewLoader(src)
	for _, key := range keys {
		l.LayerNorm(key, &LayerNorm{Shape: Shape{4, 1, 1}, Eps: 1e-5, Affine: true})
	}
	return l.Err()
}

func TestLoaderErrors(t *testing.T) {
	many := make([]string, 10)
	for i := range many {
		many[i] = fmt.Sprintf("layers.%d.norm", i)
	}
	for _, test := range []struct {
		name string
		src  Tensors
		keys []string
		want string
	}{
		{
			"fits", memory{"a.weight": ones(4), "a.bias": ones(4), "a.num_batches_tracked": ones()},
			[]string{"a", "a"}, "",
		},
		{
			"everything at once",
			burning{memory{
				"stem.weight": ones(4), "stem.bias": ones(4, 1),
				"layer1.norm.1.weight": ones(4), "layer1.norm1.bias": ones(4),
				"head.weight": {Shape: []int{4}}, "head.bias": ones(4),
				"aux.weight": ones(3),
			}},
			[]string{"stem", "layer1.norm1", "head", "far"},
			`the weights do not fit the network
3 tensors missing:
  layer1.norm1.weight [4] (did you mean layer1.norm.1.weight?)
  far.weight [4]
  far.bias [4]
1 tensor of another shape:
  stem.bias is [4 1], the network wants [4]
1 tensor unreadable:
  head.weight: the disk is on fire
2 tensors not used by the network:
  aux.weight
  layer1.norm.1.weight`,
		},
		{
			"prefix",
			memory{"module.a.weight": ones(4), "module.a.bias": ones(4), "module.b.weight": ones(4), "module.b.bias": ones(4), "module.c": ones(1)},
			[]string{"a", "b"},
			`the weights do not fit the network
4 tensors missing:
  a.weight [4]
  a.bias [4]
  b.weight [4]
  b.bias [4]
5 tensors not used by the network:
  module.a.bias
  module.a.weight
  module.b.bias
  module.b.weight
  module.c
every missing tensor is there under a key that begins with "module.": in Go, weights.StripPrefix takes it off, and cnnc run --strip-prefix`,
		},
		{
			"many", memory{}, many,
			`the weights do not fit the network
20 tensors missing:
  layers.0.norm.weight [4]
  layers.0.norm.bias [4]
  layers.1.norm.weight [4]
  layers.1.norm.bias [4]
  layers.2.norm.weight [4]
  layers.2.norm.bias [4]
  layers.3.norm.weight [4]
  layers.3.norm.bias [4]
  and 12 more`,
		},
		{
			"more", memory{"a.weight": ones(4), "a.bias": ones(4), "aux.weight": ones(1)},
			[]string{"a"},
			`the weights do not fit the network
1 tensor not used by the network:
  aux.weight
if they are to be ignored, leave them out: in Go by weights.Rename, in Python before the file is written`,
		},
		{
			"hostile names", memory{"a.weight": ones(4), "a.bias": ones(4), "\x1b[31m\n": ones(1), strings.Repeat("x", 200): ones(1)},
			[]string{"a"},
			`the weights do not fit the network
2 tensors not used by the network:
  "\x1b[31m\n"
  "` + strings.Repeat("x", 100) + `"...
if they are to be ignored, leave them out: in Go by weights.Rename, in Python before the file is written`,
		},
		{
			"too few values", memory{"a.weight": {Shape: []int{4}, Data: make([]float32, 3)}, "a.bias": ones(4)},
			[]string{"a"},
			`the weights do not fit the network
1 tensor unreadable:
  a.weight: 3 values instead of 4`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			if err := loadNorms(test.src, test.keys...); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(strings.Split(test.want, "\n"), strings.Split(got, "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestSharedTensor has two layers ask for one tensor in different shapes.
func TestSharedTensor(t *testing.T) {
	l := NewLoader(memory{"a.weight": ones(4), "a.bias": ones(4)})
	for _, c := range []int{4, 5, 5} {
		l.LayerNorm("a", &LayerNorm{Shape: Shape{c, 1, 1}, Affine: true})
	}
	const want = `the weights do not fit the network
2 tensors of another shape:
  a.weight is [4], the network wants [5]
  a.bias is [4], the network wants [5]`
	if err := l.Err(); err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}

// TestNorms folds a chain of norms of each kind into an Affine.
func TestNorms(t *testing.T) {
	shape := Shape{19, 3, 2}
	channels := Shape{shape.C, 1, 1}
	rng := rand.New(rand.NewPCG(1, 2))
	gamma, beta, mean, variance, scale := random(rng, 1, channels), random(rng, 1, channels), random(rng, 1, channels), random(rng, 1, channels), random(rng, 1, channels)
	for i, v := range variance.data {
		variance.data[i] = v*v + 0.1
	}
	checkpoint := memory{"scale": {Shape: []int{shape.C, 1, 1}, Data: scale.data}}
	for name, o := range map[string]operand{"weight": gamma, "bias": beta, "running_mean": mean, "running_var": variance} {
		checkpoint["bn."+name] = Tensor{Shape: []int{shape.C}, Data: o.data}
		if strings.HasPrefix(name, "running") {
			checkpoint["plain."+name] = checkpoint["bn."+name]
		}
	}

	l := NewLoader(checkpoint)
	op := &Affine{Shape: shape}
	p := l.Affine(op,
		Norm{Kind: BatchNorm, Key: "bn", Eps: 1e-3, Affine: true},
		Norm{Kind: Constant, Scale: []float64{3}, Shift: []float64{-0.5}},
		Norm{Kind: LearnedScale, Key: "scale", Dims: []int{shape.C, 1, 1}},
		Norm{Kind: BatchNorm, Key: "plain", Eps: 1e-5},
	)
	if err := l.Err(); err != nil {
		t.Fatal(err)
	}

	src := random(rng, 2, shape)
	c := setting{threads: 1, batch: 2, images: 2}
	got := execute(t, c, shape, []operand{src}, func(s *Session, dst View, srcs []View) { p.Run(s, dst, srcs[0]) })
	want, d := src.wide(), dims(2, shape)
	ref.BatchNorm(want, want, mean.wide(), variance.wide(), gamma.wide(), beta.wide(), 1e-3, d)
	ref.Affine(want, want, []float64{3}, []float64{-0.5}, d)
	ref.Mul(want, want, append(scale.wide(), scale.wide()...), d, dims(2, channels))
	ref.BatchNorm(want, want, mean.wide(), variance.wide(), nil, nil, 1e-5, d)
	largest := 0.0
	for _, v := range want {
		largest = max(largest, math.Abs(v))
	}
	compare(t, "norms", got, want, 3e-7*largest, 1e-6)
}

// dropping is a checkpoint that is told what is not needed any more.
type dropping struct {
	memory
	dropped chan []float32
}

func (d dropping) Drop(data []float32) { d.dropped <- data }

// TestLoaderDrops has every tensor dropped, under its new name, too.
func TestLoaderDrops(t *testing.T) {
	src := dropping{memory{"net.a.weight": ones(4), "net.a.bias": ones(4)}, make(chan []float32, 2)}
	renamed, err := weights.StripPrefix(src, "net.")
	if err != nil {
		t.Fatal(err)
	}
	if err := loadNorms(renamed, "a"); err != nil {
		t.Fatal(err)
	}
	close(src.dropped)
	floats := 0
	for data := range src.dropped {
		floats += len(data)
	}
	if floats != 8 {
		t.Errorf("%d floats of 8 were dropped", floats)
	}
}
