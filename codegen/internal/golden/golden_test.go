// Package golden runs the packages beside it, which codegen's tests keep as
// goldens.
package golden

import (
	"fmt"
	"hash/fnv"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/cnnc-dev/cnnc/codegen/internal/golden/classifier"
	"github.com/cnnc-dev/cnnc/codegen/internal/golden/dense"
	"github.com/cnnc-dev/cnnc/codegen/internal/golden/excitation"
	"github.com/cnnc-dev/cnnc/codegen/internal/golden/heads"
	"github.com/cnnc-dev/cnnc/codegen/internal/golden/residual"
	"github.com/cnnc-dev/cnnc/codegen/internal/golden/zoo"
	"github.com/cnnc-dev/cnnc/compiler"
	"github.com/cnnc-dev/cnnc/compiler/elaborate"
	"github.com/cnnc-dev/cnnc/compiler/exec"
	"github.com/cnnc-dev/cnnc/compiler/plan"
	cnnrt "github.com/cnnc-dev/cnnc/runtime"
	"github.com/cnnc-dev/cnnc/runtime/weights"
)

type session interface{ Close() }

// opener packs weights with one of the packages and makes a session, and a
// function that calls its ForwardBatch with outputs and inputs in order.
type opener func(w cnnrt.Tensors, opts ...cnnrt.Option) (s session, forward batch, err error)

type batch func(dst, src [][]float32, n int) error

func open[S session, M interface{ NewSession(...cnnrt.Option) S }](
	create func(cnnrt.Tensors) (M, error), forward func(s S, dst, src [][]float32, n int) error,
) opener {
	return func(w cnnrt.Tensors, opts ...cnnrt.Option) (session, batch, error) {
		m, err := create(w)
		if err != nil {
			return nil, nil, err
		}
		s := m.NewSession(opts...)
		return s, func(dst, src [][]float32, n int) error { return forward(s, dst, src, n) }, nil
	}
}

var packages = map[string]opener{
	"classifier": open(classifier.New, func(s *classifier.Session, dst, src [][]float32, n int) error {
		return s.ForwardBatch(dst[0], src[0], n)
	}),
	"residual": open(residual.New, func(s *residual.Session, dst, src [][]float32, n int) error {
		return s.ForwardBatch(dst[0], src[0], n)
	}),
	"excitation": open(excitation.New, func(s *excitation.Session, dst, src [][]float32, n int) error {
		return s.ForwardBatch(dst[0], src[0], n)
	}),
	"dense": open(dense.New, func(s *dense.Session, dst, src [][]float32, n int) error {
		return s.ForwardBatch(dst[0], src[0], n)
	}),
	"heads": open(heads.New, func(s *heads.Session, dst, src [][]float32, n int) error {
		return s.ForwardBatch(dst[0], dst[1], dst[2], src[0], src[1], n)
	}),
	"zoo": open(zoo.New, func(s *zoo.Session, dst, src [][]float32, n int) error {
		return s.ForwardBatch(dst[0], dst[1], dst[2], src[0], n)
	}),
}

// TestSameAsExec compares what the packages compute with what exec makes of the
// plans that they were emitted from, bit for bit.
func TestSameAsExec(t *testing.T) {
	const images = 5
	for name, open := range packages {
		t.Run(name, func(t *testing.T) {
			p := compile(t, name)
			w := invent(p)
			m, err := exec.Load(p, w)
			if err != nil {
				t.Fatal(err)
			}
			s := m.NewSession(cnnrt.Batch(images))
			defer s.Close()
			src, want := buffers(p.Inputs, images), buffers(p.Outputs, images)
			for i, port := range p.Inputs {
				fill(src[i], port.Name, -1, 1)
			}
			if err := s.Forward(want, src, images); err != nil {
				t.Fatal(err)
			}
			for _, opts := range [][]cnnrt.Option{
				nil,
				{cnnrt.Threads(1), cnnrt.Batch(1)},
				{cnnrt.Threads(2), cnnrt.Batch(2)},
				{cnnrt.Threads(3), cnnrt.Batch(images)},
			} {
				s, run, err := open(w, opts...)
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				got := buffers(p.Outputs, images)
				if err := run(got, src, images); err != nil {
					t.Fatal(err)
				}
				for i, port := range p.Outputs {
					if err := same(got[i], want[i]); err != nil {
						t.Errorf("%s, %d options: %v", port.Name, len(opts), err)
					}
				}
			}
		})
	}
	dirs, err := fs.Glob(os.DirFS("."), "*/*.cnn")
	if err != nil {
		t.Fatal(err)
	}
	if len(dirs) != len(packages) {
		t.Errorf("%d specs for %d packages here", len(dirs), len(packages))
	}
}

func compile(t *testing.T, name string) *plan.Plan {
	t.Helper()
	dir := os.DirFS(name)
	read := func(file string) ([]byte, error) { return fs.ReadFile(dir, file) }
	r, diags := compiler.Compile(&elaborate.Loader{Read: read}, name+".cnn", "", compiler.Options{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return r.Plan
}

// invent makes a checkpoint for a plan; all of it positive, so that it does for
// variances too, and so small that nothing saturates.
func invent(p *plan.Plan) weights.Map {
	m := weights.Map{}
	for _, param := range p.Tensors {
		n := 1
		for _, d := range param.Shape {
			n *= d
		}
		data := make([]float32, n)
		fill(data, param.Key, 0.01, 0.2)
		m[param.Key] = weights.Tensor{Shape: param.Shape, Data: data}
	}
	return m
}

// fill writes numbers in [lo, hi) that follow from a name.
func fill(data []float32, name string, lo, hi float32) {
	h := fnv.New64a()
	h.Write([]byte(name))
	r := rand.New(rand.NewPCG(h.Sum64(), 0))
	for i := range data {
		data[i] = lo + (hi-lo)*r.Float32()
	}
}

func buffers(ports []plan.Port, n int) [][]float32 {
	out := make([][]float32, len(ports))
	for i, p := range ports {
		out[i] = make([]float32, n*p.Shape.Elems())
	}
	return out
}

func same(got, want []float32) error {
	for i := range got {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			return fmt.Errorf("float %d of %d is %v, exec has %v", i, len(got), got[i], want[i])
		}
		if got[i] != got[i] {
			return fmt.Errorf("float %d is not a number", i)
		}
	}
	return nil
}
