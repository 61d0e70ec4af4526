package resnext50_test

import (
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cnnc-dev/cnnc/compiler"
	"github.com/cnnc-dev/cnnc/compiler/verify"
	"github.com/cnnc-dev/cnnc/compiler/verify/verifytest"
	"github.com/cnnc-dev/cnnc/generated/internal/gentest"
	"github.com/cnnc-dev/cnnc/generated/resnext50"
	cnnrt "github.com/cnnc-dev/cnnc/runtime"
	"github.com/cnnc-dev/cnnc/runtime/weights"
)

const net = "resnext50_32x4d"

// model returns the network with the reference's weights.
func model(t testing.TB) *resnext50.Model {
	t.Helper()
	m, err := resnext50.New(verify.Weights(verifytest.Reference(t, net)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestReference(t *testing.T) { gentest.Reference(t, net, resnext50.New) }
func TestSessions(t *testing.T)  { gentest.Sessions(t, net, resnext50.New) }

// TestConcurrent lets sessions of several goroutines share the model.
func TestConcurrent(t *testing.T) {
	m := model(t)
	src := verify.Picture("input", 2, 3, 224, 224)
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
				verifytest.SameBits(t, "a goroutine among several", got, want[i])
			}
		})
	}
	wg.Wait()
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
	all := verify.Weights(verifytest.Reference(t, net))
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
	p := verifytest.Compile(t, net, compiler.Options{}).Plan
	if r := verifytest.Reference(t, net); resnext50.Params != r.Params || resnext50.MACs != r.MACs {
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
	for i := range p.Steps {
		for _, l := range p.Steps[i].Layers() {
			layers = append(layers, l.Name)
		}
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
	dst, src := make([]float32, resnext50.OutputLen), verify.Picture("input", 1, 3, 224, 224)
	for b.Loop() {
		if err := s.Forward(dst, src); err != nil {
			b.Fatal(err)
		}
	}
}
