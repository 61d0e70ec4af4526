package main

import (
	"fmt"
	"go/token"
	"os"
	"path/filepath"
	"strings"

	"github.com/cnnc-dev/cnnc/cmd/cnnc/internal/driver"
	"github.com/cnnc-dev/cnnc/codegen"
	"github.com/cnnc-dev/cnnc/compiler"
)

type buildCmd struct {
	specArgs `embed:""`
	Out      string `short:"o" type:"path" placeholder:"DIR" help:"Where the package goes. By default generated/NAME; under go generate, the folder of the file that holds the directive."`
	Pkg      string `placeholder:"NAME" help:"The package's name. By default the last part of the folder; under go generate, the package of the file that holds the directive."`
	Batch    int    `default:"1" help:"Images of a call that sessions are made for by default."`
	Check    bool   `help:"Write nothing; exit with 1 if anything would change."`
}

func (c *buildCmd) Run(a *app) error {
	if err := inRange("batch", c.Batch, 1, maxBatch); err != nil {
		return err
	}
	r, spec, err := c.compileSpec(a, compiler.Options{})
	if err != nil {
		return err
	}
	out, pkg, err := c.target(spec, r.Plan.Name)
	if err != nil {
		return err
	}
	files, err := codegen.Emit(r.Plan, codegen.Options{Package: pkg, Batch: c.Batch})
	if err != nil {
		return err
	}
	write := driver.Write
	if c.Check {
		write = driver.Compare
	}
	changes, err := write(out, files)
	if err != nil {
		return err
	}
	changed := false
	for i, f := range files {
		if changes[i] == driver.Same {
			continue
		}
		changed = true
		fmt.Fprintf(a.stdout, "%s: %s\n", filepath.Join(shown(out), f.Name), changes[i])
	}
	if c.Check && changed {
		return errFailed
	}
	if !changed {
		fmt.Fprintf(a.stdout, "%s is current\n", shown(out))
	}
	return nil
}

// target is the folder and the name of the package.
func (c *buildCmd) target(spec *driver.Spec, net string) (dir, pkg string, err error) {
	dir, pkg = c.Out, c.Pkg
	if generating := os.Getenv("GOPACKAGE"); generating != "" && dir == "" {
		dir = "."
		if pkg == "" {
			pkg = generating
		}
	}
	if dir == "" {
		name := net
		if base, _ := strings.CutSuffix(filepath.Base(spec.File), ".cnn"); c.Net == "" && filepath.Ext(c.Spec) == ".cnn" {
			name = base
		}
		dir = filepath.Join("generated", name)
	}
	if pkg == "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return "", "", err
		}
		pkg = filepath.Base(abs)
	}
	if !token.IsIdentifier(pkg) || pkg == "_" {
		return "", "", driver.Usagef("%s cannot be the name of a package; say another with --pkg", pkg)
	}
	return dir, pkg, nil
}

// shown is a path as people want to read it: from the working directory if it
// lies below it.
func shown(path string) string {
	cwd, err := os.Getwd()
	if err != nil {
		return path
	}
	rel, err := filepath.Rel(cwd, path)
	if err != nil || strings.HasPrefix(rel, "..") {
		return path
	}
	return rel
}
