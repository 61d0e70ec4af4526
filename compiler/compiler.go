// Package compiler takes a spec to a plan: elaborate, passes, lowering.
package compiler

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cnnc-dev/cnnc/compiler/elaborate"
	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/pass"
	"github.com/cnnc-dev/cnnc/compiler/plan"
	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// Options are what a compilation may be given beside the spec. The zero Options
// are the usual ones.
type Options struct {
	Overrides []elaborate.Override // parameters of the net
	Disable   []string             // passes to leave out
	// NoPasses leaves out all passes that can be: every layer of the spec stays a
	// value that can be looked at.
	NoPasses bool
	// NoWinograd computes every convolution as the sum that defines it: slower, and
	// closer to exact.
	NoWinograd bool
	// StopAfter names the last pass to run; there is no plan then.
	StopAfter string
}

// Result is a compiled net.
type Result struct {
	Elaborated *ir.Graph    // as the spec has it
	Graph      *ir.Graph    // after the passes
	Passes     []pass.Event // those that ran
	Plan       *plan.Plan   // nil with StopAfter
}

// Compile compiles a net of a file, the file's own net if net is "". The result is
// nil if the list has errors; warnings ride along with a result.
func Compile(l *elaborate.Loader, file, net string, opts Options) (*Result, diag.List) {
	g, diags := elaborate.Net(l, file, net, opts.Overrides...)
	if diags.HasErrors() {
		return nil, diags
	}
	r, err := FromGraph(g, opts)
	if err != nil {
		return nil, append(diags, diagnose(err, file))
	}
	return r, diags
}

// FromGraph compiles a graph that has been elaborated, or parsed, already.
// opts.Overrides do not apply.
func FromGraph(g *ir.Graph, opts Options) (*Result, error) {
	disable := opts.Disable
	if opts.NoPasses {
		for _, p := range pipeline {
			if !p.Required {
				disable = append(disable[:len(disable):len(disable)], p.Name)
			}
		}
	}
	r := &Result{Elaborated: g}
	var err error
	r.Graph, r.Passes, err = pass.Run(g, pipeline, pass.Options{Disable: disable, StopAfter: opts.StopAfter})
	if err != nil {
		return nil, err
	}
	if opts.StopAfter != "" {
		return r, nil
	}
	if r.Plan, err = lower(r.Graph, opts); err != nil {
		return nil, err
	}
	// Fusion loses some scopes; the names of their blocks must not go with them.
	for _, s := range g.Scopes {
		r.Plan.Blocks[s.Name] = s.Block
	}
	return r, nil
}

// lower is plan.Lower with its failures, which are all the compiler's own, marked
// as such.
func lower(g *ir.Graph, opts Options) (p *plan.Plan, err error) {
	defer func() {
		if r := recover(); r != nil {
			p, err = nil, &pass.InternalError{Pass: "plan", Err: fmt.Errorf("panic: %v", r)}
		}
	}()
	if p, err = plan.Lower(g, plan.Options{NoWinograd: opts.NoWinograd, NoChains: opts.NoPasses}); err != nil {
		return nil, &pass.InternalError{Pass: "plan", Err: err}
	}
	return p, nil
}

// diagnose turns what FromGraph returned into a diagnostic about a file.
func diagnose(err error, file string) *diag.Diagnostic {
	at := diag.Pos{File: file}
	d := &diag.Diagnostic{Summary: err.Error(), Span: diag.Span{Start: at, End: at}}
	var option *pass.OptionError
	var internal *pass.InternalError
	switch {
	case errors.As(err, &option):
		d.Summary, d.Help, d.Span = option.Msg, option.Help, diag.Span{} // not of the file
	case errors.As(err, &internal):
		d.Code, d.Help = "INTERNAL001", "this is a fault of cnnc, not of the spec; please report it with the spec"
		// A list of violations: the first is enough of a summary.
		d.Summary, _, _ = strings.Cut(d.Summary, "\n")
	}
	return d
}
