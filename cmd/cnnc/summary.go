package main

import (
	"fmt"
	"strings"

	"github.com/cnnc-dev/cnnc/cmd/cnnc/internal/report"
	"github.com/cnnc-dev/cnnc/compiler"
	"github.com/cnnc-dev/cnnc/compiler/plan"
	"github.com/cnnc-dev/cnnc/compiler/shape"
)

type summaryCmd struct {
	Specs       []string `arg:"" name:"spec" help:"Files, or names of networks. Several are compared, a line each."`
	Net         string   `help:"The net to take from the file."`
	Define      []string `short:"D" sep:"none" placeholder:"NAME=VALUE" help:"Set a parameter of the net. May be repeated."`
	DisablePass []string `placeholder:"PASS" help:"Leave out an optimisation pass. May be repeated."`
	JSON        bool     `name:"json" help:"Print JSON: one object, or an array of several."`
}

// summary is what cnnc summary --json prints.
type summary struct {
	Net     string `json:"net"`
	Spec    string `json:"spec"`
	Params  int64  `json:"params"`  // as PyTorch counts: no running statistics
	Buffers int64  `json:"buffers"` // running statistics; Keras counts them too
	MACs    int64  `json:"macs"`    // of one image; convolutions and linear layers
	// ArenaBytes is the memory of an image's tensors; LowerBoundBytes what no
	// assignment can go below.
	ArenaBytes      int64          `json:"arena_bytes"`
	LowerBoundBytes int64          `json:"arena_lower_bound_bytes"`
	WeightBytes     int64          `json:"weight_bytes"` // of a float32 checkpoint
	Inputs          []portSummary  `json:"inputs"`
	Outputs         []portSummary  `json:"outputs"`
	Layers          []layerSummary `json:"layers"`
}

type portSummary struct {
	Name  string `json:"name"`
	Shape []int  `json:"shape"` // [c h w] or [features]
}

type layerSummary struct {
	Name      string   `json:"name"`
	Op        string   `json:"op"`                  // after fusion
	Algorithm string   `json:"algorithm,omitempty"` // of convolutions and linear layers
	Covers    []string `json:"covers"`              // the layers of the spec computed here
	Shape     []int    `json:"shape"`               // of the output: [c h w] or [features]
	Params    int64    `json:"params"`
	MACs      int64    `json:"macs"`
	Source    string   `json:"source"` // file:line:col
}

func (c *summaryCmd) Run(a *app) error {
	all := make([]summary, len(c.Specs))
	for i, spec := range c.Specs {
		args := specArgs{Spec: spec, Net: c.Net, Define: c.Define, DisablePass: c.DisablePass}
		r, err := args.compile(a, compiler.Options{})
		if err != nil {
			return err
		}
		all[i] = summarise(r.Plan)
	}
	switch {
	case len(all) > 1 && c.JSON:
		return report.JSON(a.stdout, all)
	case c.JSON:
		return report.JSON(a.stdout, all[0])
	case len(all) > 1:
		compareNets(a, all)
	default:
		all[0].print(a)
	}
	return nil
}

const floatBytes = 4

func summarise(p *plan.Plan) summary {
	s := summary{
		Net: p.Name, Spec: p.Source, Params: p.Params, Buffers: p.Buffers, MACs: p.MACs,
		ArenaBytes: floatBytes * int64(p.Arena), LowerBoundBytes: floatBytes * int64(p.LowerBound),
		WeightBytes: floatBytes * (p.Params + p.Buffers),
		Inputs:      ports(p.Inputs), Outputs: ports(p.Outputs),
	}
	for i := range p.Steps {
		step := &p.Steps[i]
		s.Layers = append(s.Layers, layerSummary{
			Name: step.Name, Op: step.Describe(), Algorithm: step.Algorithm(), Covers: step.Covers, Shape: step.Out,
			Params: step.Params, MACs: step.MACs, Source: step.Span.String(),
		})
	}
	return s
}

func ports(list []plan.Port) []portSummary {
	out := make([]portSummary, len(list))
	for i, p := range list {
		out[i] = portSummary{p.Name, p.Shape}
	}
	return out
}

func (s *summary) print(a *app) {
	columns := []report.Column{{Title: "layer"}, {Title: "op"}, {Title: "output"}, {Title: "params", Right: true}, {Title: "MACs", Right: true}}
	var rows [][]string
	for _, in := range s.Inputs {
		rows = append(rows, []string{in.Name, "input", shape.Shape(in.Shape).String(), "", ""})
	}
	for _, l := range s.Layers {
		rows = append(rows, []string{l.Name, l.Op, shape.Shape(l.Shape).String(), countOrBlank(l.Params), countOrBlank(l.MACs)})
	}
	report.Table(a.stdout, columns, rows, []string{"total", "", "", report.Count(s.Params), report.Count(s.MACs)})
	var outputs []string
	for _, o := range s.Outputs {
		outputs = append(outputs, fmt.Sprintf("%s %v", o.Name, shape.Shape(o.Shape)))
	}
	fmt.Fprintf(a.stdout, `
%s, from %s
outputs      %s
parameters   %s, and %s running statistics (Keras counts both, PyTorch the first)
MACs         %s an image, in convolutions and linear layers; twice as many FLOPs
weights      %s
arena        %s an image (lower bound %s)
`, s.Net, s.Spec, strings.Join(outputs, ", "), report.Count(s.Params), report.Count(s.Buffers), report.Count(s.MACs),
		report.Bytes(s.WeightBytes), report.Bytes(s.ArenaBytes), report.Bytes(s.LowerBoundBytes))
}

func countOrBlank(n int64) string {
	if n == 0 {
		return ""
	}
	return report.Count(n)
}

func compareNets(a *app, all []summary) {
	columns := []report.Column{{Title: "net"}, {Title: "input"}, {Title: "params", Right: true}, {Title: "MACs", Right: true},
		{Title: "weights", Right: true}, {Title: "arena", Right: true}, {Title: "steps", Right: true}}
	var rows [][]string
	for _, s := range all {
		var inputs []string
		for _, in := range s.Inputs {
			inputs = append(inputs, shape.Shape(in.Shape).String())
		}
		rows = append(rows, []string{s.Net, strings.Join(inputs, " "), report.Count(s.Params), report.Count(s.MACs),
			report.Bytes(s.WeightBytes), report.Bytes(s.ArenaBytes), report.Count(int64(len(s.Layers)))})
	}
	report.Table(a.stdout, columns, rows, nil)
}
