package verify_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cnnc-dev/cnnc/compiler/verify"
)

// TestSeeded holds the formula to values that the reference's own Python code
// computes.
func TestSeeded(t *testing.T) {
	got := verify.Seeded("c1.weight", 150, -0.320472762773272, 0.320472762773272)
	want := map[int]float32{0: -0.18873436748981476, 1: -0.047370363026857376, 149: -0.04089701548218727}
	for i, w := range want {
		if got[i] != w {
			t.Errorf("c1.weight[%d] = %v, want %v", i, got[i], w)
		}
	}
}

func TestPicture(t *testing.T) {
	got := verify.Picture("input", 2, 3, 10, 9)
	if len(got) != 2*3*10*9 {
		t.Fatalf("%d values", len(got))
	}
	at := func(n, c, y, x int) int { return ((n*3+c)*10+y)*9 + x }
	want := map[int]float32{at(0, 0, 0, 0): -0.5650687217712402, at(0, 2, 9, 8): 2.1003384590148926, at(1, 1, 5, 4): 1.8150757551193237}
	for i, w := range want {
		if got[i] != w {
			t.Errorf("picture[%d] = %v, want %v", i, got[i], w)
		}
	}
}

// minimal is a reference that parses; tests spoil it.
const minimal = `{
	"name": "n", "source": "torchvision", "source_name": "n", "params": 1, "macs": 2, "unknown": {"a": [1]},
	"input": {"image": "input", "shape": [1, 3, 8, 8]},
	"output": [1, 2], "output_spread": 1, "torch_f32_max_abs_error": 1e-6,
	"tensors": [{"key": "w", "shape": [2, 3], "lo": -1, "hi": 1}],
	"trace": [{"name": "m", "type": "Conv2d", "shape": [2, 4, 4], "mean": 0, "rms": 1, "at": [31], "value": [0.5]}]
}`

func TestParseReference(t *testing.T) {
	r, err := verify.ParseReference([]byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	if r.Name != "n" || r.MACs != 2 || r.Noise != 1e-6 || len(r.Tensors) != 1 || r.Trace[0].At[0] != 31 {
		t.Errorf("%+v", r)
	}
	w := verify.Weights(r)
	if s, ok := w.Shape("w"); !ok || !slices.Equal(s, []int{2, 3}) || !slices.Equal(w.Keys(), []string{"w"}) {
		t.Errorf("keys %v, shape %v, %v", w.Keys(), s, ok)
	}
	if data, err := w.Read("w"); err != nil || len(data) != 6 {
		t.Errorf("Read: %v, %v", data, err)
	}
	if _, ok := w.Shape("x"); ok {
		t.Error("there is a tensor x")
	}
	if _, err := w.Read("x"); err == nil {
		t.Error("read a tensor x")
	}

	tests := []struct{ old, new, want string }{
		{`{`, `[`, "reference: "},
		{`[1, 3, 8, 8]`, `[3, 8, 8]`, "input has shape [3 8 8], not [n c h w]"},
		{`[1, 3, 8, 8]`, `[1, 3, -8, 8]`, "input: shape [1 3 -8 8] is empty or too large"},
		{`[1, 3, 8, 8]`, `[1, 1000000, 1000000, 1000000]`, "is empty or too large"},
		{`"output": [1, 2]`, `"output": []`, "output is missing"},
		{`1e-6`, `0`, "torch_f32_max_abs_error is 0"},
		{`"key": "w"`, `"key": ""`, `tensor "": the key is empty or taken`},
		{`{"key": "w"`, `{"key": "w", "shape": [1]}, {"key": "w"`, `tensor "w": the key is empty or taken`},
		{`"shape": [2, 3]`, `"shape": [2, 0]`, `tensor "w": shape [2 0] is empty or too large`},
		{`"shape": [2, 3]`, `"shape": [4611686018427387904, 4]`, `is empty or too large`},
		{`"lo": -1`, `"lo": 3`, `tensor "w": values from 3 to 1`},
		{`"shape": [2, 4, 4]`, `"shape": [2, 4, 0]`, `trace of "m": shape [1 2 4 0] is empty or too large`},
		{`"at": [31]`, `"at": [32]`, `trace of "m": a value at 32 of 32`},
		{`"at": [31]`, `"at": [-1]`, `trace of "m": a value at -1 of 32`},
		{`"at": [31]`, `"at": [1, 2]`, `trace of "m": 1 values at 2 places`},
	}
	for _, tt := range tests {
		text := strings.Replace(minimal, tt.old, tt.new, 1)
		if text == minimal {
			t.Fatalf("%q does not occur", tt.old)
		}
		if _, err := verify.ParseReference([]byte(text)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error is %v, want %q", tt.new, err, tt.want)
		}
	}
}

// FuzzParseReference feeds anything to the parser. What it accepts can be written
// and read again, and none of its sizes overflows.
func FuzzParseReference(f *testing.F) {
	f.Add([]byte(minimal))
	f.Add([]byte(`{}`))
	f.Add([]byte(`null`))
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data[:min(len(data), 4096)])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := verify.ParseReference(data)
		if err != nil {
			return
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatalf("cannot be written: %v", err)
		}
		if _, err := verify.ParseReference(text); err != nil {
			t.Fatalf("cannot be read again: %v\n%s", err, text)
		}
		w := verify.Weights(r)
		for _, key := range w.Keys() {
			s, _ := w.Shape(key)
			n := 1
			for _, d := range s {
				n *= d
			}
			if n < 1 || n > 1<<30 {
				t.Fatalf("tensor %q of %d elements", key, n)
			}
			if n < 1<<12 {
				if x, err := w.Read(key); err != nil || len(x) != n {
					t.Fatalf("tensor %q: %d values, %v", key, len(x), err)
				}
			}
		}
	})
}
