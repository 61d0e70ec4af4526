package verify

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/cnnc-dev/cnnc/compiler/shape"
)

// Reference is what a public implementation computes for one network, on weights
// and a picture that follow from their names. docs/reference.md describes the
// file; fields that it has beyond these are ignored.
type Reference struct {
	Name       string `json:"name"`
	Source     string `json:"source"`      // the library: torchvision, timm or local
	SourceName string `json:"source_name"` // the network's name there
	Params     int64  `json:"params"`      // as PyTorch counts: no running statistics
	MACs       int64  `json:"macs"`        // of conv and linear layers, one image

	Input struct {
		Image string `json:"image"` // the seeded picture's name
		Shape []int  `json:"shape"` // [n c h w]
	} `json:"input"`
	Output []float64 `json:"output"`        // the truth: float64 arithmetic on the float32 weights
	Spread float64   `json:"output_spread"` // standard deviation of Output
	// Noise is how far the implementation's own float32 output is from Output,
	// the largest absolute error: the yardstick for ours.
	Noise float64 `json:"torch_f32_max_abs_error"`

	Tensors []Tensor `json:"tensors"` // the state dict, in its order
	Trace   []Probe  `json:"trace"`   // one a module, in order of execution
}

// Tensor is one seeded tensor of the state dict.
type Tensor struct {
	Key   string  `json:"key"`
	Shape []int   `json:"shape"`
	Lo    float64 `json:"lo"` // the range of its values
	Hi    float64 `json:"hi"`
}

// Probe is what is known of one module's output. A module that runs more than
// once has as many probes.
type Probe struct {
	Name  string    `json:"name"`
	Type  string    `json:"type"`  // the module's class
	Shape []int     `json:"shape"` // of one image
	Mean  float64   `json:"mean"`
	RMS   float64   `json:"rms"`
	At    []int     `json:"at"`    // flat indices, NCHW, the batch included
	Value []float64 `json:"value"` // at these
}

// ParseReference reads a reference and checks that it makes sense: sizes within
// the limits of package shape, one tensor a key, probes inside their tensors.
func ParseReference(data []byte) (*Reference, error) {
	var r Reference
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("reference: %w", err)
	}
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("reference: %w", err)
	}
	return &r, nil
}

func (r *Reference) check() error {
	if len(r.Input.Shape) != 4 {
		return fmt.Errorf("input has shape %v, not [n c h w]", r.Input.Shape)
	}
	if _, err := elems(r.Input.Shape); err != nil {
		return fmt.Errorf("input: %w", err)
	}
	if len(r.Output) == 0 {
		return errors.New("output is missing")
	}
	if !(r.Noise > 0) || math.IsInf(r.Noise, 0) {
		return fmt.Errorf("torch_f32_max_abs_error is %v", r.Noise)
	}
	seen := map[string]bool{}
	for _, t := range r.Tensors {
		if t.Key == "" || seen[t.Key] {
			return fmt.Errorf("tensor %q: the key is empty or taken", t.Key)
		}
		seen[t.Key] = true
		if _, err := elems(t.Shape); err != nil {
			return fmt.Errorf("tensor %q: %w", t.Key, err)
		}
		if t.Lo > t.Hi {
			return fmt.Errorf("tensor %q: values from %v to %v", t.Key, t.Lo, t.Hi)
		}
	}
	for _, p := range r.Trace {
		n, err := elems(append([]int{r.batch()}, p.Shape...))
		if err != nil {
			return fmt.Errorf("trace of %q: %w", p.Name, err)
		}
		if len(p.At) != len(p.Value) {
			return fmt.Errorf("trace of %q: %d values at %d places", p.Name, len(p.Value), len(p.At))
		}
		for _, at := range p.At {
			if at < 0 || at >= n {
				return fmt.Errorf("trace of %q: a value at %d of %d", p.Name, at, n)
			}
		}
	}
	return nil
}

// batch returns the number of images of the reference's input.
func (r *Reference) batch() int { return r.Input.Shape[0] }

// elems returns the number of elements of a tensor, or an error if it has none or
// more than a network may ask for.
func elems(dims []int) (int, error) {
	n, ok := shape.Product(dims...)
	if !ok || n < 1 || n > shape.MaxElems {
		return 0, fmt.Errorf("shape %v is empty or too large", dims)
	}
	return int(n), nil
}
