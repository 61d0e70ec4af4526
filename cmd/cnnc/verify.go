package main

import (
	"fmt"
	"os"

	"github.com/cnnc-dev/cnnc/cmd/cnnc/internal/report"
	"github.com/cnnc-dev/cnnc/compiler"
	"github.com/cnnc-dev/cnnc/compiler/plan"
	"github.com/cnnc-dev/cnnc/compiler/shape"
	"github.com/cnnc-dev/cnnc/compiler/verify"
	"github.com/cnnc-dev/cnnc/runtime"
)

type verifyCmd struct {
	specArgs  `embed:""`
	Reference string  `arg:"" type:"existingfile" help:"What a public implementation computes: a JSON file, see docs/reference.md."`
	Tolerance float64 `help:"Largest absolute error of an output; by default 8 times the reference's own float32 error, 30 times where Winograd is used."`
	Layers    bool    `help:"Print every layer's error, not the first one that differs alone."`
	Threads   int     `default:"0" help:"Threads; 0 for as many as there are processors."`
	JSON      bool    `name:"json" help:"Print the report as JSON."`
}

func (c *verifyCmd) Run(a *app) error {
	if err := inRange("threads", c.Threads, 0, maxThreads); err != nil {
		return err
	}
	data, err := os.ReadFile(c.Reference)
	if err != nil {
		return err
	}
	ref, err := verify.ParseReference(data)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Reference, err)
	}
	r, err := c.compile(a, compiler.Options{})
	if err != nil {
		return err
	}
	layered, err := compiler.FromGraph(r.Elaborated, compiler.Options{NoPasses: true, NoWinograd: c.NoWinograd})
	if err != nil {
		return err
	}
	out, err := verify.Run(ref, r.Plan, layered.Plan, verify.Options{
		Tolerance: c.Tolerance, Session: []runtime.Option{runtime.Threads(c.Threads)},
	})
	if err != nil {
		return err
	}
	if c.JSON {
		if err := report.JSON(a.stdout, out); err != nil {
			return err
		}
	} else {
		c.print(a, out, r.Plan)
	}
	if !out.OK {
		return errFailed
	}
	return nil
}

func (c *verifyCmd) print(a *app, r *verify.Report, p *plan.Plan) {
	w := a.stdout
	fmt.Fprintf(w, "%s against %s\n", r.Net, r.Reference)
	fmt.Fprintf(w, "tensors      %d, keys and shapes", r.Tensors.Count)
	bad := len(r.Tensors.Missing) + len(r.Tensors.Unexpected) + len(r.Tensors.Misshapen)
	if bad == 0 {
		fmt.Fprintln(w, " equal")
	} else {
		fmt.Fprintf(w, ": %d differ\n", bad)
	}
	printSome(a, r.Tensors.Missing, func(key string) string { return key + ": the spec needs it, the reference lacks it" })
	printSome(a, r.Tensors.Unexpected, func(key string) string { return key + ": the reference has it, the spec does not use it" })
	printSome(a, r.Tensors.Misshapen, func(m verify.Mismatch) string {
		return fmt.Sprintf("%s: the spec says %v, the reference %v", m.Key, m.Got, m.Want)
	})
	printCount(a, "parameters", r.Params)
	printCount(a, "MACs", r.MACs)
	if r.Input != "" {
		fmt.Fprintf(w, "input        %s\n", r.Input)
	}
	if r.Output != nil {
		fmt.Fprintf(w, "output       largest error %.3g of at most %.3g (value %d is %.7g, should be %.7g; float32 PyTorch errs by %.3g)\n",
			r.Output.MaxError, r.Output.Tolerance, r.Output.At, r.Output.Got, r.Output.Want, r.Output.Noise)
	}
	if c.Layers {
		columns := []report.Column{{Title: "layer"}, {Title: "type"}, {Title: "output"}, {Title: "largest error", Right: true}, {Title: "relative", Right: true}, {Title: ""}}
		var rows [][]string
		for _, l := range r.Layers {
			note := l.Problem
			if note == "" && !l.OK {
				note = "differs"
			}
			rows = append(rows, []string{l.Value, l.Type, shape.Shape(l.Shape).String(), fmt.Sprintf("%.2e", l.MaxError), fmt.Sprintf("%.2e", l.Relative), note})
		}
		report.Table(w, columns, rows, nil)
	}
	if r.FirstDifference != "" {
		fmt.Fprintf(w, "layers       the first that differs is %s%s\n", r.FirstDifference, where(p, r.FirstDifference))
	} else if len(r.Layers) > 0 {
		fmt.Fprintf(w, "layers       %d compared, all agree\n", len(r.Layers))
	}
	if r.OK {
		fmt.Fprintln(w, "agrees")
	} else {
		fmt.Fprintln(w, "differs")
	}
}

// printSome prints the first of many findings, a line each; --json has all.
func printSome[T any](a *app, found []T, line func(T) string) {
	const most = 12
	for i, x := range found {
		if i == most {
			fmt.Fprintf(a.stdout, "  and %d more like that\n", len(found)-most)
			return
		}
		fmt.Fprintln(a.stdout, "  "+line(x))
	}
}

func printCount(a *app, what string, n verify.Count) {
	if n.Got == n.Want {
		fmt.Fprintf(a.stdout, "%-12s %s\n", what, report.Count(n.Got))
		return
	}
	fmt.Fprintf(a.stdout, "%-12s %s, should be %s\n", what, report.Count(n.Got), report.Count(n.Want))
}

// where says in which line of the spec a layer is written.
func where(p *plan.Plan, layer string) string {
	for i := range p.Steps {
		for _, name := range p.Steps[i].Covers {
			if name == layer {
				return ", at " + p.Steps[i].Span.String()
			}
		}
	}
	return ""
}
