// Package verify compares what a plan computes with a reference: what a public
// implementation computes for the same network. Both sides invent the weights
// from their keys, so that nothing has to be downloaded.
package verify

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/cnnc-dev/cnnc/compiler/exec"
	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/plan"
	"github.com/cnnc-dev/cnnc/compiler/shape"
	"github.com/cnnc-dev/cnnc/runtime"
)

// Default tolerances, in units of the reference's own float32 error: another order
// of additions may be that much less lucky, and a mistake is orders of magnitude
// larger. Winograd adds up larger terms, which cancel.
const (
	TimesNoise         = 8
	timesNoiseWinograd = 30 // for plans with any such convolution
)

// tolerance is how far a plan's outputs may be from a reference's.
func tolerance(ref *Reference, p *plan.Plan) float64 {
	if p.UsesWinograd() {
		return timesNoiseWinograd * ref.Noise
	}
	return TimesNoise * ref.Noise
}

// layerTolerance is how far a layer's probes, mean and root mean square may be
// from the reference's, in units of the reference's root mean square. Float32
// stays below a hundredth of it after a hundred layers.
const layerTolerance = 1e-3

// Options are what a verification may be given beside the network.
type Options struct {
	Tolerance float64          // largest absolute error of an output; 0 for the default, a multiple of the reference's own
	Session   []runtime.Option // threads
}

// Report is the outcome, in the form that cnnc verify --json prints.
type Report struct {
	Net       string `json:"net"`       // the network's name
	Reference string `json:"reference"` // whose implementation: torchvision resnet50
	OK        bool   `json:"ok"`        // everything below agrees

	Tensors Tensors `json:"tensors"`
	Params  Count   `json:"params"` // as PyTorch counts
	MACs    Count   `json:"macs"`   // of one image, conv and linear layers
	// Input says how the network's inputs differ from the reference's picture, in
	// words; empty if they agree. Where they or the tensors differ, nothing is run.
	Input  string  `json:"input,omitempty"`
	Output *Output `json:"output,omitempty"`

	// Layers compares module by module, in the reference's order; empty if no
	// plan for it was given.
	Layers []Layer `json:"layers,omitempty"`
	// FirstDifference is the name of the first layer that differs.
	FirstDifference string `json:"first_difference,omitempty"`
	// Unmatched lists the reference's modules that the network has no layer of
	// that name for; those made of other modules are left out.
	Unmatched []string `json:"unmatched,omitempty"`
}

// Tensors compares the network's checkpoint keys with the reference's.
type Tensors struct {
	Count      int        `json:"count"`      // of the reference
	Missing    []string   `json:"missing"`    // needed by the network, absent from the reference
	Unexpected []string   `json:"unexpected"` // the reverse
	Misshapen  []Mismatch `json:"misshapen"`
}

func (t *Tensors) ok() bool { return len(t.Missing)+len(t.Unexpected)+len(t.Misshapen) == 0 }

// Mismatch is a tensor of two shapes.
type Mismatch struct {
	Key  string `json:"key"`
	Got  []int  `json:"got"`  // by the spec
	Want []int  `json:"want"` // by the reference
}

// Count compares two numbers.
type Count struct {
	Got  int64 `json:"got"`
	Want int64 `json:"want"`
}

// Output compares the network's (first) output with the truth.
type Output struct {
	Count     int     `json:"count"`     // values compared
	MaxError  float64 `json:"max_error"` // largest absolute error; -1 if an output is not a number
	At        int     `json:"at"`        // index of that value
	Got       float64 `json:"got"`
	Want      float64 `json:"want"`
	Tolerance float64 `json:"tolerance"`
	Spread    float64 `json:"spread"` // standard deviation of the reference's output
	Noise     float64 `json:"noise"`  // the reference's own float32 error
	OK        bool    `json:"ok"`
}

// Layer compares one module's output.
type Layer struct {
	Name  string `json:"name"`  // the module's
	Value string `json:"value"` // ours: the name, and .2 where it runs for the second time
	Type  string `json:"type"`
	Shape []int  `json:"shape"`

	MaxError float64 `json:"max_error"` // largest absolute error at the probes; -1 if one is not a number
	Relative float64 `json:"relative"`  // the worst of probes, mean and RMS, in units of the reference's RMS
	Mean     float64 `json:"mean"`
	WantMean float64 `json:"want_mean"`
	RMS      float64 `json:"rms"`
	WantRMS  float64 `json:"want_rms"`
	// Problem says in words why the layer cannot be compared, such as a different
	// shape; empty if it could.
	Problem string `json:"problem,omitempty"`
	OK      bool   `json:"ok"`
}

// Run compares p with a reference. If layered is not nil, it must be the same
// network planned without optional passes, so that every layer's output exists,
// and layers are compared too. The error is something that keeps the plan from
// running at all; differences are in the report.
func Run(ref *Reference, p, layered *plan.Plan, opts Options) (*Report, error) {
	r := &Report{
		Net:       p.Name,
		Reference: strings.TrimSpace(ref.Source + " " + ref.SourceName),
		Tensors:   compareTensors(p.Tensors, ref.Tensors),
		Params:    Count{p.Params, ref.Params},
		MACs:      Count{p.MACs, ref.MACs},
		Input:     compareInput(ref, p),
	}
	if !r.Tensors.ok() || r.Input != "" {
		return r, nil
	}
	out, err := runOutput(ref, p, opts)
	if err != nil {
		return nil, err
	}
	r.Output = out
	if layered != nil {
		if err := runLayers(ref, layered, opts, r); err != nil {
			return nil, err
		}
	}
	r.OK = r.Params.Got == r.Params.Want && r.MACs.Got == r.MACs.Want && r.Output.OK && r.FirstDifference == ""
	return r, nil
}

func compareTensors(ours []ir.Param, theirs []Tensor) Tensors {
	// Empty lists rather than none: the JSON then has [] and not null.
	t := Tensors{Count: len(theirs), Missing: []string{}, Unexpected: []string{}, Misshapen: []Mismatch{}}
	want := map[string][]int{}
	for _, x := range theirs {
		want[x.Key] = x.Shape
	}
	known := map[string]bool{}
	for _, x := range ours {
		known[x.Key] = true
		switch s, ok := want[x.Key]; {
		case !ok:
			t.Missing = append(t.Missing, x.Key)
		case !slices.Equal(s, x.Shape):
			t.Misshapen = append(t.Misshapen, Mismatch{x.Key, x.Shape, s})
		}
	}
	for _, x := range theirs {
		if !known[x.Key] {
			t.Unexpected = append(t.Unexpected, x.Key)
		}
	}
	return t
}

func compareInput(ref *Reference, p *plan.Plan) string {
	if len(p.Inputs) != 1 {
		return fmt.Sprintf("the network has %d inputs, the reference one", len(p.Inputs))
	}
	if in := p.Inputs[0].Shape; !in.Equal(shape.Shape(ref.Input.Shape[1:])) {
		return fmt.Sprintf("the network takes %v, the reference %v", in, shape.Shape(ref.Input.Shape[1:]))
	}
	if out := p.Outputs[0].Shape; out.Elems()*ref.batch() != len(ref.Output) {
		return fmt.Sprintf("the network returns %v for each of %d images, the reference %d values", out, ref.batch(), len(ref.Output))
	}
	return ""
}

// forward loads p with the reference's weights and runs it on its picture. After
// is called as exec.Session's. It returns the first output.
func forward(ref *Reference, p *plan.Plan, opts Options, after func(s *exec.Session, step int)) ([]float32, error) {
	m, err := exec.Load(p, Weights(ref))
	if err != nil {
		return nil, err
	}
	n := ref.batch()
	s := m.NewSession(append(slices.Clone(opts.Session), runtime.Batch(n))...)
	defer s.Close()
	if after != nil {
		s.After = func(step int) { after(s, step) }
	}
	in := ref.Input.Shape
	src := [][]float32{Picture(ref.Input.Image, in[0], in[1], in[2], in[3])}
	dst := make([][]float32, len(p.Outputs))
	for i, o := range p.Outputs {
		dst[i] = make([]float32, n*o.Shape.Elems())
	}
	if err := s.Forward(dst, src, n); err != nil {
		return nil, err
	}
	return dst[0], nil
}

func runOutput(ref *Reference, p *plan.Plan, opts Options) (*Output, error) {
	got, err := forward(ref, p, opts, nil)
	if err != nil {
		return nil, err
	}
	o := &Output{Count: len(got), Tolerance: opts.Tolerance, Spread: ref.Spread, Noise: ref.Noise}
	if o.Tolerance == 0 {
		o.Tolerance = tolerance(ref, p)
	}
	for i, want := range ref.Output {
		if e := worse(o.MaxError, math.Abs(float64(got[i])-want)); e != o.MaxError || i == 0 {
			o.MaxError, o.At, o.Got, o.Want = e, i, float64(got[i]), want
		}
	}
	o.OK = o.MaxError >= 0 && o.MaxError <= o.Tolerance
	if o.MaxError < 0 {
		o.Got = 0 // JSON has no NaN
	}
	return o, nil
}

// worse returns the larger of two errors, where -1, not a number, is the largest.
func worse(a, b float64) float64 {
	if a < 0 || b < 0 || math.IsNaN(b) || math.IsInf(b, 0) {
		return -1
	}
	return max(a, b)
}
