package weights

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// torchFiles lists the files that testdata/make_torch.py writes with PyTorch.
func torchFiles(t testing.TB) []string {
	files, err := filepath.Glob("testdata/*.pth")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	return files
}

func TestTorch(t *testing.T) {
	state := Map{
		"matrix": {Shape: []int{2, 3}, Data: []float32{1.5, -2, 3, 4, 5, float32(math.Inf(1))}},
		"view":   {Shape: []int{3}, Data: []float32{2, 3, 4}},
		"all":    {Shape: []int{6}, Data: []float32{0, 1, 2, 3, 4, 5}},
		"half":   {Shape: []int{3}, Data: []float32{1, -5, 0.25}},
		"bfloat": {Shape: []int{2}, Data: []float32{1, -5}},
		"double": {Shape: []int{1}, Data: []float32{0.1}},
		"scalar": {Data: []float32{7}},
		"none":   {Shape: []int{0, 5}, Data: []float32{}},
		"column": {Shape: []int{4, 1}, Data: []float32{0, 1, 2, 3}},
		"steps":  {},

		"columns": {Shape: []int{5, 0}, Data: []float32{}},
	}
	training := Map{
		"weight": {Shape: []int{2, 2}, Data: []float32{1, 2, 3, 4}},
		"bias":   {Shape: []int{2}, Data: []float32{5, 6}},
	}
	for name, want := range map[string]Map{
		"state.pth": state, "state_1.5.pth": state, "training.pth": training, "training_1.5.pth": training, "state_0.3.pth": state,
	} {
		content, err := os.ReadFile(filepath.Join("testdata", strings.Replace(name, "0.3", "1.5", 1)))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(name, "0.3") { // whose function had another name
			content = bytes.ReplaceAll(content, []byte("_rebuild_tensor_v2"), []byte("_rebuild_tensor"))
		}
		t.Run(name, func(t *testing.T) {
			ways(t, content, func(t *testing.T, f *File, err error) {
				if err != nil {
					t.Fatal(err)
				}
				got := Map{}
				for _, key := range f.Keys() {
					shape, _ := f.Shape(key)
					data, err := f.Read(key)
					if (err != nil) != (key == "steps") { // integers
						t.Fatalf("%s: %v", key, err)
					}
					got[key] = Tensor{shape, append(data[:0:0], data...)} // what is mapped is gone when compared
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestTorchErrors(t *testing.T) {
	const none = `no state dict: in Python, torch.save(model.state_dict(), path) writes one`
	for name, want := range map[string]string{
		"list.pth":       none,
		"module.pth":     none,
		"script.pth":     `a TorchScript program; ` + none,
		"sparse.pth":     `tensor "s": made by "torch._utils._rebuild_sparse_tensor", which is not supported`,
		"transposed.pth": `tensor "t": not contiguous: in Python, save its .contiguous()`,
		"two.pth":        `several state dicts: "state_dict", "state_dict_ema"; in Python, save the one you want by itself`,
	} {
		path := filepath.Join("testdata", name)
		if _, err := Open(path); err == nil || err.Error() != path+": file of torch.save: "+want {
			t.Errorf("%s: error is\n  %v\nwant\n  %s", name, err, want)
		}
	}
}

// TestTorchLies changes what files say: where a check is missing, reading panics or takes
// bytes from elsewhere.
func TestTorchLies(t *testing.T) {
	for _, test := range []struct{ file, old, new, want string }{
		{"state.pth", "\x4b\x02\x4b\x03\x86", "\x4b\x02\x4b\xff\x86", `tensor "matrix": not contiguous`},
		{"state.pth", "K\x02K\x03\x85", "K\x02K\x05\x85", `tensor "view": shape [5] from 2 on does not lie in the 6 values of its storage`},
		{"state.pth", "K\x02K\x03\x85", "K\xffK\x03\x85", `tensor "view": shape [3] from 255 on does not lie in the 6 values of its storage`},
		{"state.pth", "FloatStorage", "FluteStorage", `tensor "matrix": values of "torch.FluteStorage", which is not supported`},
		{"state.pth", "storage", "stowage", `pickle: byte 144: a reference to something other than a storage`},
		{"state_1.5.pth", "\x06\x00\x00\x00\x00\x00\x00\x00", "\x06\x00\x00\x00\x00\x00\x00\x7f", `truncated: storage`},
		{"training.pth", "\x80\x02", "\x80\x04", `pickle: byte 2: protocol 4; torch.save writes 2`},
	} {
		content, err := os.ReadFile(filepath.Join("testdata", test.file))
		if err != nil {
			t.Fatal(err)
		}
		lie := bytes.Replace(content, []byte(test.old), []byte(test.new), 1)
		if bytes.Equal(lie, content) {
			t.Errorf("%s does not have %q", test.file, test.old)
		}
		if _, err := Parse(lie); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s, %q for %q: error is\n  %v\nwant\n  %s", test.file, test.new, test.old, err, test.want)
		}
	}
}

// TestTorchCorrupt changes each byte, so that offsets and lengths point anywhere.
func TestTorchCorrupt(t *testing.T) {
	for _, path := range torchFiles(t) {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i, b := range content {
			for _, to := range []byte{0, 0x7f, 0xff} {
				content[i] = to
				if f, err := Parse(content); err == nil {
					for _, key := range f.Keys() {
						_, _ = f.Read(key) // must not panic
					}
				}
			}
			content[i] = b
		}
	}
}

// TestTorchTruncated cuts files off everywhere.
func TestTorchTruncated(t *testing.T) {
	for _, path := range torchFiles(t) {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for n := range content {
			if _, err := Parse(content[:n:n]); err == nil {
				t.Errorf("%s: the first %d of %d bytes are taken", path, n, len(content))
			}
		}
	}
}
