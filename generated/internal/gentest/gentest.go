// Package gentest proves emitted packages of one input and one output, each in a
// line of its own test file.
package gentest

import (
	"fmt"
	"testing"

	"github.com/cnnc-dev/cnnc/compiler"
	"github.com/cnnc-dev/cnnc/compiler/exec"
	"github.com/cnnc-dev/cnnc/compiler/verify"
	"github.com/cnnc-dev/cnnc/compiler/verify/verifytest"
	cnnrt "github.com/cnnc-dev/cnnc/runtime"
)

// Model is an emitted package's, with its sessions.
type Model[S Session] interface {
	NewSession(opts ...cnnrt.Option) S
}

// Session is an emitted package's.
type Session interface {
	Forward(dst, src []float32) error
	ForwardBatch(dst, src []float32, n int) error
	Close()
}

// Reference compares a package, whose New is load, with what a public
// implementation of the net computes, within the tolerance of verifytest, and
// with exec, bit for bit; under each instruction set.
func Reference[M Model[S], S Session](t *testing.T, net string, load func(cnnrt.Tensors) (M, error)) {
	verifytest.EachISA(t, func(t *testing.T) {
		ref := verifytest.Reference(t, net)
		verifytest.SkipSlow(t, ref.Params, ref.MACs)
		got := emitted(t, ref, load)
		verifytest.Within(t, "output", got, ref.Output, verifytest.Tolerance(ref))
		verifytest.SameBits(t, "emitted code and exec", got, direct(t, ref, net))
	})
}

// emitted returns what a package makes of the reference's picture.
func emitted[M Model[S], S Session](t *testing.T, ref *verify.Reference, load func(cnnrt.Tensors) (M, error)) []float32 {
	t.Helper()
	m, err := load(verify.Weights(ref))
	if err != nil {
		t.Fatal(err)
	}
	s := m.NewSession()
	defer s.Close()
	out := make([]float32, len(ref.Output))
	if err := s.Forward(out, pictures(ref, 1)); err != nil {
		t.Fatal(err)
	}
	return out
}

// direct returns what exec makes of the same.
func direct(t *testing.T, ref *verify.Reference, net string) []float32 {
	t.Helper()
	m, err := exec.Load(verifytest.Compile(t, net, compiler.Options{}).Plan, verify.Weights(ref))
	if err != nil {
		t.Fatal(err)
	}
	s := m.NewSession()
	defer s.Close()
	out := make([]float32, len(ref.Output))
	if err := s.Forward([][]float32{out}, [][]float32{pictures(ref, 1)}, 1); err != nil {
		t.Fatal(err)
	}
	return out
}

// pictures returns n pictures, the reference's first.
func pictures(ref *verify.Reference, n int) []float32 {
	in := ref.Input.Shape
	return verify.Picture(ref.Input.Image, n, in[1], in[2], in[3])
}

// Sessions runs three pictures one by one, and in batches of two, on one thread and
// on two, channels first and last: the same bits, and no allocation.
func Sessions[M Model[S], S Session](t *testing.T, net string, load func(cnnrt.Tensors) (M, error)) {
	const n = 3
	ref := verifytest.Reference(t, net)
	verifytest.SkipSlow(t, ref.Params, ref.MACs)
	m, err := load(verify.Weights(ref))
	if err != nil {
		t.Fatal(err)
	}
	src := pictures(ref, n)
	in, out := len(src)/n, len(ref.Output)
	want, got := make([]float32, n*out), make([]float32, n*out)

	one := m.NewSession(cnnrt.Threads(1))
	defer one.Close()
	for i := range n {
		if err := one.Forward(want[i*out:][:out], src[i*in:][:in]); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		threads int
		layout  cnnrt.TensorLayout
	}{{1, cnnrt.NCHW}, {2, cnnrt.NHWC}} {
		t.Run(fmt.Sprintf("threads=%d", c.threads), func(t *testing.T) {
			s := m.NewSession(cnnrt.Batch(2), cnnrt.Threads(c.threads), cnnrt.Layout(c.layout))
			defer s.Close()
			data := src
			if c.layout == cnnrt.NHWC {
				data = channelsLast(src, ref.Input.Shape[1], ref.Input.Shape[2]*ref.Input.Shape[3])
			}
			if err := s.ForwardBatch(got, data, n); err != nil {
				t.Fatal(err)
			}
			verifytest.SameBits(t, "a batch and one by one", got, want)
			if n := verifytest.Allocs(func() {
				if err := s.Forward(got[:out], data[:in]); err != nil {
					t.Error(err)
				}
			}); n != 0 {
				t.Errorf("Forward allocates %v times", n)
			}
		})
	}
}

// channelsLast turns images of c channels from NCHW into NHWC.
func channelsLast(src []float32, c, pixels int) []float32 {
	dst := make([]float32, len(src))
	for i := range src {
		image, channel, pixel := i/(c*pixels), i/pixels%c, i%pixels
		dst[(image*pixels+pixel)*c+channel] = src[i]
	}
	return dst
}
