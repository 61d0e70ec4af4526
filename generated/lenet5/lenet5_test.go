package lenet5_test

import (
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"image"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cnnc-dev/cnnc/compiler/verify/verifytest"
	"github.com/cnnc-dev/cnnc/generated/internal/gentest"
	"github.com/cnnc-dev/cnnc/generated/lenet5"
	cnnrt "github.com/cnnc-dev/cnnc/runtime"
	"github.com/cnnc-dev/cnnc/runtime/picture"
)

const weightsFile = "testdata/lenet5_mnist.safetensors"

func load(t testing.TB) *lenet5.Model {
	t.Helper()
	m, err := lenet5.Load(weightsFile)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestTorchFile shows that what torch.save wrote of the same network is the same network.
func TestTorchFile(t *testing.T) {
	m, err := lenet5.Load("testdata/lenet5_mnist.pth")
	if err != nil {
		t.Fatal(err)
	}
	images, _ := digits(t)
	var logits [2][lenet5.OutputLen]float32
	for i, m := range []*lenet5.Model{m, load(t)} {
		s := m.NewSession()
		defer s.Close()
		if err := s.Forward(logits[i][:], images[:lenet5.InputLen]); err != nil {
			t.Fatal(err)
		}
	}
	if logits[0] != logits[1] {
		t.Errorf("logits are %v, and %v of the safetensors file", logits[0], logits[1])
	}
}

func TestReference(t *testing.T) { gentest.Reference(t, "lenet5", lenet5.New) }
func TestSessions(t *testing.T)  { gentest.Sessions(t, "lenet5", lenet5.New) }

// TestDigits shows that the trained network reads what the reference reads, on
// digits that neither has seen.
func TestDigits(t *testing.T) {
	verifytest.EachISA(t, func(t *testing.T) {
		var expected struct {
			Correct, Of int
			FirstLogits [][]float64 `json:"first_logits"`
		}
		data, err := os.ReadFile("testdata/lenet5_mnist_expected.json")
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &expected); err != nil {
			t.Fatal(err)
		}
		images, labels := digits(t)
		s := load(t).NewSession()
		defer s.Close()

		correct := 0
		logits := make([]float32, lenet5.OutputLen)
		var first []float32
		var want []float64
		for i, label := range labels {
			if err := s.Forward(logits, images[i*lenet5.InputLen:][:lenet5.InputLen]); err != nil {
				t.Fatal(err)
			}
			if i < len(expected.FirstLogits) {
				first, want = append(first, logits...), append(want, expected.FirstLogits[i]...)
			}
			if slices.Index(logits, slices.Max(logits)) == int(label) {
				correct++
			}
		}
		verifytest.Within(t, "logits of the first digits", first, want, 1e-5)
		if correct != expected.Correct || len(labels) != expected.Of {
			t.Errorf("%d of %d digits right, the reference has %d of %d", correct, len(labels), expected.Correct, expected.Of)
		}
	})
}

// TestBatch compares batches of any size, on any number of threads, by any number
// of goroutines, with one image at a time.
func TestBatch(t *testing.T) {
	m := load(t)
	images, _ := digits(t)
	const n = 100
	images = images[:n*lenet5.InputLen]
	want := make([]float32, n*lenet5.OutputLen)
	one := m.NewSession(cnnrt.Threads(1))
	defer one.Close()
	for i := range n {
		if err := one.Forward(want[i*lenet5.OutputLen:][:lenet5.OutputLen], images[i*lenet5.InputLen:][:lenet5.InputLen]); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for _, batch := range []int{1, 2, 7, 64, n, 3 * n} {
		for _, threads := range []int{1, 2, 3} {
			wg.Go(func() {
				s := m.NewSession(cnnrt.Batch(batch), cnnrt.Threads(threads))
				defer s.Close()
				got := make([]float32, len(want))
				if err := s.ForwardBatch(got, images, n); err != nil {
					t.Error(err)
				}
				verifytest.SameBits(t, "batch", got, want)
			})
		}
	}
	wg.Wait()
	if err := one.ForwardBatch(nil, nil, 0); err != nil {
		t.Errorf("no images: %v", err)
	}
}

func TestLengths(t *testing.T) {
	s := load(t).NewSession(cnnrt.Threads(1))
	defer s.Close()
	for _, test := range []struct {
		dst, src, n int
		want        string
	}{
		{10, 1023, 1, "lenet5: src has 1023 floats, want 1024"},
		{11, 1024, 1, "lenet5: dst has 11 floats, want 10"},
		{0, 1024, 1, "lenet5: dst has 0 floats, want 10"},
		{20, 3072, 2, "lenet5: src has 3072 floats, want 1024 for each of 2 images"},
		{10, 1024, -1, "lenet5: dst: the number of images is -1"},
	} {
		err := s.ForwardBatch(make([]float32, test.dst), make([]float32, test.src), test.n)
		if err == nil || err.Error() != test.want {
			t.Errorf("%d images from %d into %d floats: %v, want %s", test.n, test.src, test.dst, err, test.want)
		}
	}
}

func TestAllocations(t *testing.T) {
	images, _ := digits(t)
	dst := make([]float32, 5*lenet5.OutputLen)
	for _, threads := range []int{1, 2} {
		s := load(t).NewSession(cnnrt.Threads(threads), cnnrt.Batch(2))
		defer s.Close()
		if n := verifytest.Allocs(func() {
			if err := s.ForwardBatch(dst, images[:5*lenet5.InputLen], 5); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%d threads: ForwardBatch allocates %v times", threads, n)
		}
	}
}

func TestLoadErrors(t *testing.T) {
	if _, err := lenet5.Load("testdata/none.safetensors"); err == nil || !strings.Contains(err.Error(), "none.safetensors") {
		t.Errorf("a file that is not there: %v", err)
	}
	data, err := os.ReadFile(weightsFile)
	if err != nil {
		t.Fatal(err)
	}
	short := filepath.Join(t.TempDir(), "short.safetensors")
	if err := os.WriteFile(short, data[:len(data)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := lenet5.Load(short); err == nil || !strings.Contains(err.Error(), "short.safetensors") {
		t.Errorf("half a file: %v", err)
	}
}

// TestFacts checks what the package says of itself.
func TestFacts(t *testing.T) {
	if lenet5.Params != 60_850 || lenet5.MACs != 328_096 {
		t.Errorf("%d parameters and %d multiply-accumulates, want 60850 and 328096", lenet5.Params, lenet5.MACs)
	}
	if got := lenet5.InputShape(); got != (cnnrt.Shape{C: 1, H: 32, W: 32}) || got.Len() != lenet5.InputLen {
		t.Errorf("input %v", got)
	}
	if got := lenet5.OutputShape(); got != (cnnrt.Shape{C: 10, H: 1, W: 1}) || got.Len() != lenet5.OutputLen {
		t.Errorf("output %v", got)
	}
	if diff := cmp.Diff([]string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}, lenet5.Labels); diff != "" {
		t.Error(diff)
	}
	want := cnnrt.Preprocess{
		Resize: 28, Crop: cnnrt.Size{H: 32, W: 32}, Filter: "bilinear",
		Scale: 1.275 / 255, Mean: []float64{0.1}, Std: []float64{1}, Channels: "gray",
	}
	if diff := cmp.Diff(want, lenet5.Preprocess); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkForward(b *testing.B) {
	s := load(b).NewSession(cnnrt.Threads(1))
	defer s.Close()
	dst, src := make([]float32, lenet5.OutputLen), make([]float32, lenet5.InputLen)
	for b.Loop() {
		if err := s.Forward(dst, src); err != nil {
			b.Fatal(err)
		}
	}
}

// digits returns the digits as the network wants them, and what they are.
func digits(t testing.TB) (images []float32, labels []byte) {
	t.Helper()
	pixels := idx(t, "testdata/digits-images-idx3-ubyte.gz", 16)
	labels = idx(t, "testdata/digits-labels-idx1-ubyte.gz", 8)
	const side = 28
	for i := range labels {
		digit := image.Gray{Pix: pixels[i*side*side:], Stride: side, Rect: image.Rect(0, 0, side, side)}
		input, err := picture.Input(&digit, lenet5.Preprocess)
		if err != nil {
			t.Fatal(err)
		}
		images = append(images, input...)
	}
	return images, labels
}

// idx reads a file of MNIST's format, without its header of so many bytes.
func idx(t testing.TB, name string, header int) []byte {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if n := binary.BigEndian.Uint32(data[4:]); n != 1000 {
		t.Fatalf("%s has %d items", name, n)
	}
	return data[header:]
}
