package main

import (
	"fmt"
	"strings"

	"github.com/cnnc-dev/cnnc/cmd/cnnc/internal/driver"
	"github.com/cnnc-dev/cnnc/cmd/cnnc/internal/report"
	"github.com/cnnc-dev/cnnc/compiler"
	"github.com/cnnc-dev/cnnc/dsl/diag"
)

type checkCmd struct {
	Specs  []string `arg:"" name:"spec" help:"Files, or names of networks. Every net of a file is checked."`
	Define []string `short:"D" sep:"none" placeholder:"NAME=VALUE" help:"Set a parameter of the nets. May be repeated."`
	JSON   bool     `name:"json" help:"Print the diagnostics as a JSON array."`
}

func (c *checkCmd) Run(a *app) error {
	overrides, err := driver.Overrides(c.Define)
	if err != nil {
		return err
	}
	all := diag.List{} // an empty array, not null
	bad := false
	for _, arg := range c.Specs {
		spec, err := driver.Find(arg)
		if err != nil {
			return err
		}
		found := spec.CheckNets(compiler.Options{Overrides: overrides})
		bad = bad || found.HasErrors()
		if c.JSON {
			all = append(all, found...)
		} else {
			a.report(found, spec.Text)
		}
	}
	if c.JSON {
		if err := report.JSON(a.stdout, all); err != nil {
			return err
		}
	}
	if bad {
		return errFailed
	}
	return nil
}

type explainCmd struct {
	Code string `arg:"" optional:"" help:"A code such as SHAPE003; without one, all codes are listed."`
}

func (c *explainCmd) Run(a *app) error {
	if c.Code == "" {
		var rows [][]string
		for _, e := range diag.Codes() {
			rows = append(rows, []string{e.Code, e.Title})
		}
		report.Table(a.stdout, []report.Column{{Title: "code"}, {Title: "what is wrong"}}, rows, nil)
		return nil
	}
	e, ok := diag.Explain(strings.ToUpper(c.Code))
	if !ok {
		return fmt.Errorf("there is no code %s; cnnc explain lists them", c.Code)
	}
	fmt.Fprintf(a.stdout, "%s: %s\n\n%s\n", e.Code, e.Title, e.Text)
	if e.Example != "" {
		fmt.Fprintf(a.stdout, "\nFor example:\n\n%s", e.Example)
	}
	return nil
}
