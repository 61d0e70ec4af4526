package main

import (
	"path/filepath"

	"github.com/cnnc-dev/cnnc/cmd/cnnc/internal/draw"
	"github.com/cnnc-dev/cnnc/cmd/cnnc/internal/driver"
	"github.com/cnnc-dev/cnnc/compiler"
)

type drawCmd struct {
	specArgs `embed:""`
	Out      string `short:"o" required:"" placeholder:"FILE" help:"Where the picture goes: .svg, .html (the picture, and a table of its layers that unfolds) or .dot (for Graphviz)."`
}

func (c *drawCmd) Run(a *app) error {
	writers := map[string]func(*draw.Drawing) []byte{".svg": draw.SVG, ".html": draw.HTML, ".dot": draw.DOT}
	write, ok := writers[filepath.Ext(c.Out)]
	if !ok {
		return driver.Usagef("%s: want a name that ends in .svg, .html or .dot", c.Out)
	}
	r, err := c.compile(a, compiler.Options{})
	if err != nil {
		return err
	}
	d, err := draw.New(r.Elaborated)
	if err != nil {
		return err
	}
	return driver.WriteFile(c.Out, write(d))
}
