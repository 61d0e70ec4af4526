package main

import (
	"fmt"

	"github.com/cnnc-dev/cnnc/cmd/cnnc/internal/driver"
	"github.com/cnnc-dev/cnnc/cmd/cnnc/internal/report"
	"github.com/cnnc-dev/cnnc/compiler"
	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/plan"
)

type irCmd struct {
	specArgs `embed:""`
	After    string `placeholder:"PASS" help:"Stop after this pass; none prints the graph as the spec has it. By default after the last one. See --passes."`
	Plan     bool   `xor:"what" help:"Print the plan: kernel calls, and where each tensor lies in memory."`
	Passes   bool   `xor:"what" help:"Print the passes, in order, and how long each took."`
}

func (c *irCmd) Run(a *app) error {
	if c.Plan && c.After != "" {
		return driver.Usagef("--plan is made of what all passes leave: leave out --after")
	}
	opts := compiler.Options{StopAfter: c.After}
	if c.After == "none" {
		opts.StopAfter = ""
	}
	r, err := c.compile(a, opts)
	if err != nil {
		return err
	}
	switch {
	case c.Passes:
		took := map[string]string{}
		for _, e := range r.Passes {
			took[e.Pass.Name] = e.Took.String()
		}
		var rows [][]string
		for _, p := range compiler.Passes() {
			rows = append(rows, []string{p.Name, took[p.Name], p.Doc})
		}
		report.Table(a.stdout, []report.Column{{Title: "pass"}, {Title: "took", Right: true}, {Title: "what it does"}}, rows, nil)
	case c.Plan:
		fmt.Fprint(a.stdout, plan.Print(r.Plan))
	case c.After == "none":
		fmt.Fprint(a.stdout, ir.Print(r.Elaborated))
	default:
		fmt.Fprint(a.stdout, ir.Print(r.Graph))
	}
	return nil
}
