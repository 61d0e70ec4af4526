package verify

import (
	"fmt"
	"math"
	"slices"

	"github.com/cnnc-dev/cnnc/compiler/exec"
	"github.com/cnnc-dev/cnnc/compiler/plan"
	"github.com/cnnc-dev/cnnc/compiler/shape"
)

// runLayers runs a plan that keeps every layer's output and fills in r's table.
func runLayers(ref *Reference, p *plan.Plan, opts Options, r *Report) error {
	find := finder(ref, p)
	due := map[int][]int{} // by step: the layers that are complete after it
	var probes []*Probe    // of r.Layers
	var places []plan.Place
	runs := map[string]int{}
	for i := range ref.Trace {
		// A module that runs again is numbered as elaborate numbers values whose
		// name is taken.
		probe := &ref.Trace[i]
		name := probe.Name
		runs[name]++
		if k := runs[name]; k > 1 {
			name = fmt.Sprintf("%s.%d", name, k)
		}
		at, found, leaf := find(probe.Name, name)
		if !found {
			if leaf {
				r.Unmatched = append(r.Unmatched, name)
			}
			continue
		}
		l := Layer{Name: probe.Name, Value: name, Type: probe.Type, Shape: at.Shape, WantMean: probe.Mean, WantRMS: probe.RMS}
		probe = probe.channelsFirst(at.Shape)
		if slices.Equal(at.Shape, probe.Shape) {
			due[at.Ready] = append(due[at.Ready], len(r.Layers))
		} else {
			l.Problem = fmt.Sprintf("shape %v, the reference has %v", at.Shape, shape.Shape(probe.Shape))
		}
		r.Layers = append(r.Layers, l)
		probes = append(probes, probe)
		places = append(places, at)
	}
	_, err := forward(ref, p, opts, func(s *exec.Session, step int) {
		for _, i := range due[step] {
			data := make([]float32, ref.batch()*places[i].Shape.Elems())
			s.Read(data, places[i])
			r.Layers[i].compare(probes[i], data)
		}
	})
	if err != nil {
		return err
	}
	for _, l := range r.Layers {
		if !l.OK {
			r.FirstDifference = l.Value
			break
		}
	}
	return nil
}

// channelsFirst returns p, a probe of a tensor of the given shape, [c h w]; if the
// module has the channels last, as in ConvNeXt's blocks, with its indices moved.
func (p *Probe) channelsFirst(s shape.Shape) *Probe {
	if !s.IsMap() || slices.Equal(s, p.Shape) || !slices.Equal([]int{s[1], s[2], s[0]}, p.Shape) {
		return p
	}
	c, h, w := s[0], s[1], s[2]
	moved := *p
	moved.Shape = s
	moved.At = make([]int, len(p.At))
	for i, at := range p.At {
		pixel, channel := at/c, at%c
		image, pixel := pixel/(h*w), pixel%(h*w)
		moved.At[i] = (image*c+channel)*h*w + pixel
	}
	return &moved
}

// finder returns a function that finds where a module's output can be seen: a
// layer's value, or what a block returned. A module that has others inside it, a
// leaf being one that has none, corresponds to a block only: timm's bn1, with an
// activation inside, is more than the batch normalisation of that name.
func finder(ref *Reference, p *plan.Plan) func(module, name string) (at plan.Place, found, leaf bool) {
	scopes, values := map[string]plan.Place{}, map[string]plan.Place{}
	for _, s := range p.Scopes {
		scopes[s.Name] = s
	}
	for _, v := range p.Values {
		values[v.Name] = v
	}
	inner := map[string]bool{} // modules with others inside
	for _, probe := range ref.Trace {
		for i, c := range probe.Name {
			if c == '.' {
				inner[probe.Name[:i]] = true
			}
		}
	}
	return func(module, name string) (at plan.Place, found, leaf bool) {
		if leaf = !inner[module]; leaf {
			if at, found = values[name]; found {
				return at, found, leaf
			}
		}
		at, found = scopes[name]
		return at, found, leaf
	}
}

// compare fills in how far data, the layer's output, is from the probe.
func (l *Layer) compare(p *Probe, data []float32) {
	var sum, squares float64
	for _, x := range data {
		sum += float64(x)
		squares += float64(x) * float64(x)
	}
	n := float64(len(data))
	l.Mean, l.RMS = sum/n, math.Sqrt(squares/n)
	for i, at := range p.At {
		l.MaxError = worse(l.MaxError, math.Abs(float64(data[at])-p.Value[i]))
	}
	worst := worse(worse(l.MaxError, math.Abs(l.Mean-p.Mean)), math.Abs(l.RMS-p.RMS))
	if worst < 0 {
		// JSON has no NaN and no infinity.
		l.Mean, l.RMS, l.MaxError, l.Relative = 0, 0, -1, -1
		l.Problem = "not a number"
		return
	}
	if l.Relative = worst; p.RMS > 0 {
		l.Relative = worst / p.RMS
	}
	l.OK = l.Relative <= layerTolerance
}
