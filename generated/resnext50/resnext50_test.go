package resnext50_test

import (
	"maps"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cnnc-dev/cnnc/compiler"
	"github.com/cnnc-dev/cnnc/compiler/elaborate"
	"github.com/cnnc-dev/cnnc/compiler/exec"
	"github.com/cnnc-dev/cnnc/compiler/plan"
	"github.com/cnnc-dev/cnnc/compiler/verify"
	"github.com/cnnc-dev/cnnc/generated/internal/gentest"
	"github.com/cnnc-dev/cnnc/generated/resnext50"
	cnnrt "github.com/cnnc-dev/cnnc/runtime"
	"github.com/cnnc-dev/cnnc/runtime/weights"
	"github.com/cnnc-dev/cnnc/specs"
)

// reference is what torchvision computes.
var reference = sync.OnceValue(func() *verify.Reference {
	data, err := os.ReadFile("../../compiler/verify/testdata/resnext50_32x4d.json")
	if err != nil {
		panic(err)
	}
	r, err := verify.ParseReference(data)
	if err != nil {
		panic(err)
	}
	return r
})

// load packs the reference's weights once for all tests.
var load = sync.OnceValues(func() (*resnext50.Model, error) {
	return resnext50.New(verify.Weights(reference()))
})

func model(t testing.TB) *resnext50.Model {
	t.Helper()
	m, err := load()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// pictures returns n different pictures, the reference's first.
func pictures(n int) []float32 {
	data := verify.Picture("input", 1, 3, 224, 224)
	for i := range n - 1 {
		data = append(data, verify.Picture("input"+string(rune('2'+i)), 1, 3, 224, 224)...)
	}
	return data
}

// compile returns the plan that the package was emitted from.
func compile(t *testing.T) *plan.Plan {
	t.Helper()
	r, diags := compiler.Compile(&elaborate.Loader{Library: specs.FS()}, "specs/resnext50.cnn", "resnext50", compiler.Options{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return r.Plan
}

// TestReference compares the output with the float64 truth, and every way to
// compute it with the others, bit for bit: one thread, two, exec, a batch.
func TestReference(t *testing.T) {
	gentest.EachISA(t, func(t *testing.T) {
		m := model(t)
		src := pictures(1)
		got := make([]float32, resnext50.OutputLen)
		one := m.NewSession(cnnrt.Threads(1))
		defer one.Close()
		if err := one.Forward(got, src); err != nil {
			t.Fatal(err)
		}
		gentest.Within(t, "output", got, reference().Output, 2e-5)

		two := m.NewSession(cnnrt.Threads(2))
		defer two.Close()
		again := make([]float32, resnext50.OutputLen)
		if err := two.Forward(again, src); err != nil {
			t.Fatal(err)
		}
		gentest.SameBits(t, "two threads and one", again, got)

		direct, err := exec.Load(compile(t), verify.Weights(reference()))
		if err != nil {
			t.Fatal(err)
		}
		s := direct.NewSession()
		defer s.Close()
		if err := s.Forward([][]float32{again}, [][]float32{src}, 1); err != nil {
			t.Fatal(err)
		}
		gentest.SameBits(t, "exec and emitted code", again, got)
	})
}

// TestBatch runs three pictures in chunks of two, NCHW and NHWC, and one by one.
func TestBatch(t *testing.T) {
	m := model(t)
	src := pictures(3)
	want := make([]float32, 3*resnext50.OutputLen)
	one := m.NewSession()
	defer one.Close()
	for i := range 3 {
		if err := one.Forward(want[i*resnext50.OutputLen:][:resnext50.OutputLen], src[i*resnext50.InputLen:][:resnext50.InputLen]); err != nil {
			t.Fatal(err)
		}
	}
	for _, layout := range []cnnrt.TensorLayout{cnnrt.NCHW, cnnrt.NHWC} {
		s := m.NewSession(cnnrt.Batch(2), cnnrt.Layout(layout))
		defer s.Close()
		data := src
		if layout == cnnrt.NHWC {
			data = channelsLast(src)
		}
		got := make([]float32, len(want))
		if err := s.ForwardBatch(got, data, 3); err != nil {
			t.Fatal(err)
		}
		gentest.SameBits(t, "batch", got, want)
	}
}

// channelsLast turns images from NCHW into NHWC.
func channelsLast(src []float32) []float32 {
	shape := resnext50.InputShape()
	dst := make([]float32, len(src))
	for i := range src {
		image, c, pixel := i/shape.Len(), i/shape.Pixels()%shape.C, i%shape.Pixels()
		dst[image*shape.Len()+pixel*shape.C+c] = src[i]
	}
	return dst
}

// TestConcurrent lets sessions of several goroutines share the model.
func TestConcurrent(t *testing.T) {
	m := model(t)
	src := pictures(2)
	var want [2][]float32
	s := m.NewSession()
	defer s.Close()
	for i := range want {
		want[i] = make([]float32, resnext50.OutputLen)
		if err := s.Forward(want[i], src[i*resnext50.InputLen:][:resnext50.InputLen]); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			s := m.NewSession(cnnrt.Threads(1 + g%2))
			defer s.Close()
			got := make([]float32, resnext50.OutputLen)
			for i := range want {
				i := (i + g) % len(want)
				if err := s.Forward(got, src[i*resnext50.InputLen:][:resnext50.InputLen]); err != nil {
					t.Error(err)
				}
				gentest.SameBits(t, "a goroutine among several", got, want[i])
			}
		})
	}
	wg.Wait()
}

func TestAllocations(t *testing.T) {
	src, dst := pictures(1), make([]float32, resnext50.OutputLen)
	for _, threads := range []int{1, 2} {
		s := model(t).NewSession(cnnrt.Threads(threads))
		defer s.Close()
		if n := testing.AllocsPerRun(3, func() {
			if err := s.Forward(dst, src); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%d threads: Forward allocates %v times", threads, n)
		}
	}
}

func TestLengths(t *testing.T) {
	s := model(t).NewSession(cnnrt.Threads(1))
	defer s.Close()
	for _, test := range []struct {
		dst, src int
		want     string
	}{
		{1000, 150527, "resnext50: src has 150527 floats, want 150528"},
		{1001, 150528, "resnext50: dst has 1001 floats, want 1000"},
	} {
		err := s.Forward(make([]float32, test.dst), make([]float32, test.src))
		if err == nil || err.Error() != test.want {
			t.Errorf("from %d into %d floats: %v, want %s", test.src, test.dst, err, test.want)
		}
	}
}

// TestWrongWeights changes a checkpoint in each way; New tells all of them.
func TestWrongWeights(t *testing.T) {
	all := verify.Weights(reference())
	wrong := weights.Map{}
	for _, key := range all.Keys() {
		shape, _ := all.Shape(key)
		data, err := all.Read(key)
		if err != nil {
			t.Fatal(err)
		}
		wrong[key] = weights.Tensor{Shape: shape, Data: data}
	}
	if _, err := resnext50.New(maps.Clone(wrong)); err != nil {
		t.Errorf("the right weights: %v", err)
	}
	delete(wrong, "layer3.4.bn2.running_var")
	delete(wrong, "fc.bias")
	wrong["conv1.weight"] = weights.Tensor{Shape: []int{64, 1, 7, 7}, Data: make([]float32, 64*7*7)}
	wrong["head.weight"] = weights.Tensor{Shape: []int{1}, Data: []float32{1}}
	wrong["bn1.num_batches_tracked"] = weights.Tensor{Shape: []int{}, Data: []float32{1}}

	m, err := resnext50.New(wrong)
	if err == nil || m != nil {
		t.Fatalf("the wrong weights: %v", err)
	}
	for _, want := range []string{
		"layer3.4.bn2.running_var [512]", "fc.bias [1000]", // missing
		"conv1.weight is [64 1 7 7], the network wants [64 3 7 7]",
		"head.weight", // unexpected
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "num_batches_tracked") {
		t.Errorf("the error complains of num_batches_tracked:\n%v", err)
	}
}

// TestFacts checks what the package says of itself.
func TestFacts(t *testing.T) {
	p := compile(t)
	if r := reference(); resnext50.Params != r.Params || resnext50.MACs != r.MACs {
		t.Errorf("%d parameters and %d multiply-accumulates, torchvision has %d and %d",
			resnext50.Params, resnext50.MACs, r.Params, r.MACs)
	}
	if resnext50.ArenaFloats != p.Arena || resnext50.ArenaBytes != 4*p.Arena {
		t.Errorf("an arena of %d floats, %d bytes; the plan has %d floats", resnext50.ArenaFloats, resnext50.ArenaBytes, p.Arena)
	}
	if float64(resnext50.ArenaFloats) > 1.1*float64(p.LowerBound) {
		t.Errorf("an arena of %d floats is more than 10%% above the lower bound, %d", resnext50.ArenaFloats, p.LowerBound)
	}
	var layers []string
	for _, s := range p.Steps {
		layers = append(layers, s.Name)
	}
	if diff := cmp.Diff(layers, resnext50.Layers); diff != "" {
		t.Error(diff)
	}
	if n := len(resnext50.Labels); n != resnext50.OutputLen {
		t.Errorf("%d labels for %d outputs", n, resnext50.OutputLen)
	}
	want := cnnrt.Preprocess{
		Resize: 256, Crop: cnnrt.Size{H: 224, W: 224}, Filter: "bilinear", Scale: 1.0 / 255,
		Mean: []float64{0.485, 0.456, 0.406}, Std: []float64{0.229, 0.224, 0.225}, Channels: "rgb",
	}
	if diff := cmp.Diff(want, resnext50.Preprocess); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkForward(b *testing.B) {
	s := model(b).NewSession(cnnrt.Threads(1))
	defer s.Close()
	dst, src := make([]float32, resnext50.OutputLen), pictures(1)
	for b.Loop() {
		if err := s.Forward(dst, src); err != nil {
			b.Fatal(err)
		}
	}
}
