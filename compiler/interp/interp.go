// Package interp runs an ir.Graph slowly, in float64, on the naive loops of
// runtime/ref. It understands every attribute that passes set, so it is the
// oracle of each pass and of all that comes after.
package interp

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/shape"
)

// Weights returns the checkpoint's tensor of a key, in row-major order of
// shape, as ir.Params lists them. The result is not changed.
type Weights func(key string, shape []int) ([]float32, error)

// Tensors is what goes into and comes out of a graph: a batch of maps in NCHW
// order, or of vectors, by name.
type Tensors map[string][]float64

// Options are what a run may have beside its inputs.
type Options struct {
	// Trace, if not nil, sees every value as it is computed. Data belongs to
	// the interpreter: it must not be changed, nor kept.
	Trace func(v *ir.Value, data []float64)
}

// Run runs g, which must be valid (see ir.Verify), on a batch of images and
// returns its outputs. Inputs are named as g's input values. A tensor that is
// missing, unknown or of the wrong length is an error.
func Run(g *ir.Graph, weights Weights, inputs Tensors, batch int, opt Options) (Tensors, error) {
	if err := checkInputs(g, inputs, batch); err != nil {
		return nil, err
	}
	left := make([]int, len(g.Values)) // reads to come, by ID
	for id, users := range ir.Users(g) {
		left[id] = len(users)
	}
	for _, o := range g.Outputs {
		left[o.Value]++ // never zero
	}
	r := runner{g: g, weights: weights, batch: batch, data: make([][]float64, len(g.Values))}
	for _, v := range g.Values {
		var err error
		if v.Op == ir.OpInput {
			r.data[v.ID] = inputs[v.Name]
		} else if r.data[v.ID], err = r.eval(v); err != nil {
			return nil, fmt.Errorf("%%%s: %w", v.Name, err)
		}
		if opt.Trace != nil {
			opt.Trace(v, r.data[v.ID])
		}
		for _, a := range v.Args {
			if left[a]--; left[a] == 0 {
				r.data[a] = nil
			}
		}
	}
	out := Tensors{}
	for _, o := range g.Outputs {
		out[o.Name] = slices.Clone(r.data[o.Value])
	}
	return out, nil
}

func checkInputs(g *ir.Graph, inputs Tensors, batch int) error {
	if batch < 1 {
		return fmt.Errorf("batch is %d", batch)
	}
	for _, v := range g.Values {
		if n, ok := shape.Product(append([]int{batch}, v.Shape...)...); !ok || n > shape.MaxElems {
			return fmt.Errorf("%%%s: a batch of %d of %v is too large", v.Name, batch, v.Shape)
		}
	}
	var errs []error
	known := map[string]bool{}
	for _, v := range g.Inputs() {
		known[v.Name] = true
		data, ok := inputs[v.Name]
		switch want := batch * v.Shape.Elems(); {
		case !ok:
			errs = append(errs, fmt.Errorf("input %s is missing", v.Name))
		case len(data) != want:
			errs = append(errs, fmt.Errorf("input %s has %d elements; %d of %v have %d", v.Name, len(data), batch, v.Shape, want))
		}
	}
	var unknown []string
	for name := range inputs {
		if !known[name] {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		errs = append(errs, fmt.Errorf("the graph has no input named %s", strings.Join(unknown, ", ")))
	}
	return errors.Join(errs...)
}
