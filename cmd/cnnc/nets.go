package main

import (
	"fmt"
	"strings"

	"github.com/cnnc-dev/cnnc/cmd/cnnc/internal/driver"
	"github.com/cnnc-dev/cnnc/cmd/cnnc/internal/report"
)

type netsCmd struct {
	Spec string `arg:"" optional:"" help:"A .cnn file, or the name of a network, to show with parameters and defaults; without one, all that come with cnnc are listed."`
	JSON bool   `name:"json" help:"Print a JSON array."`
}

// netRow is one net, as cnnc nets --json prints it.
type netRow struct {
	Name   string     `json:"name"`
	File   string     `json:"file"`
	Base   string     `json:"base,omitempty"` // the net it specialises
	Doc    string     `json:"doc,omitempty"`  // the comment above it
	Params []paramRow `json:"params"`         // what -D sets
}

type paramRow struct {
	Name    string `json:"name"`
	Default string `json:"default"` // as written in the spec
}

func (c *netsCmd) Run(a *app) error {
	found, diags, text, err := driver.Nets(c.Spec)
	if err != nil {
		return err
	}
	if a.report(diags, text) {
		return errFailed
	}
	rows := []netRow{}
	for _, n := range found {
		row := netRow{Name: n.Name, File: n.File, Base: n.Base, Doc: n.Doc, Params: []paramRow{}}
		for _, p := range n.Params {
			row.Params = append(row.Params, paramRow{p.Name, p.Default})
		}
		rows = append(rows, row)
	}
	if c.JSON {
		return report.JSON(a.stdout, rows)
	}
	if c.Spec == "" {
		printNets(a, rows)
		return nil
	}
	for i, r := range rows {
		if i > 0 {
			fmt.Fprintln(a.stdout)
		}
		fmt.Fprintln(a.stdout, r.Name)
		if r.Doc != "" {
			fmt.Fprintln(a.stdout, indent+strings.ReplaceAll(r.Doc, "\n", "\n"+indent))
		}
		for _, p := range r.Params {
			fmt.Fprintf(a.stdout, "%s-D %s=%s\n", indent, p.Name, p.Default)
		}
	}
	return nil
}

const indent = "    "

// printNets prints a line each.
func printNets(a *app, rows []netRow) {
	var table [][]string
	for _, r := range rows {
		var params []string
		for _, p := range r.Params {
			params = append(params, p.Name)
		}
		table = append(table, []string{r.Name, r.File, strings.Join(params, " ")})
	}
	report.Table(a.stdout, []report.Column{{Title: "net"}, {Title: "spec"}, {Title: "parameters (-D)"}}, table, nil)
}
