package main

import (
	"fmt"

	"github.com/cnnc-dev/cnnc/cmd/cnnc/internal/driver"
	"github.com/cnnc-dev/cnnc/compiler"
	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// specArgs is what every command that compiles one network takes.
type specArgs struct {
	Spec        string   `arg:"" help:"A .cnn file, or the name of a network that comes with cnnc."`
	Net         string   `help:"The net to take from the file; by default the one named like the file, or its first."`
	Define      []string `short:"D" sep:"none" placeholder:"NAME=VALUE" help:"Set a parameter of the net. May be repeated."`
	DisablePass []string `placeholder:"PASS" help:"Leave out an optimisation pass. May be repeated."`
	NoWinograd  bool     `help:"Compute 3x3 convolutions as plain sums: slower, and a decimal more exact."`
}

// What no machine has room for is a slip of the keys.
const (
	maxBatch   = 4096
	maxThreads = 1024
)

// inRange checks a flag's number.
func inRange(flag string, n, least, most int) error {
	if n < least || n > most {
		return driver.Usagef("--%s %d: want %d to %d", flag, n, least, most)
	}
	return nil
}

// compile compiles the network and reports what is wrong with it.
func (s *specArgs) compile(a *app, opts compiler.Options) (*compiler.Result, error) {
	r, _, err := s.compileSpec(a, opts)
	return r, err
}

func (s *specArgs) compileSpec(a *app, opts compiler.Options) (*compiler.Result, *driver.Spec, error) {
	spec, err := driver.Find(s.Spec)
	if err != nil {
		return nil, nil, err
	}
	if s.Net != "" {
		spec.Net = s.Net
	}
	if opts.Overrides, err = driver.Overrides(s.Define); err != nil {
		return nil, nil, err
	}
	opts.Disable = append(opts.Disable, s.DisablePass...)
	opts.NoWinograd = s.NoWinograd
	r, diags := spec.Compile(opts)
	if a.report(diags, spec.Text) {
		return nil, nil, errFailed
	}
	return r, spec, nil
}

// report prints diagnostics and says whether there are errors among them.
func (a *app) report(diags diag.List, text func(file string) (string, bool)) (bad bool) {
	if len(diags) == 0 {
		return false
	}
	if err := diag.Render(a.stderr, diags, text, a.color); err != nil {
		fmt.Fprintln(a.stderr, err)
	}
	return diags.HasErrors()
}
