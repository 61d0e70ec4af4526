package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cnnc-dev/cnnc/cmd/cnnc/internal/driver"
	"github.com/cnnc-dev/cnnc/dsl"
)

type fmtCmd struct {
	Paths []string `arg:"" optional:"" help:"Files, or folders whose .cnn files are meant; - or none reads standard input and writes standard output."`
	Check bool     `help:"Write nothing; list what would change, and exit with 1 if anything would."`
}

func (c *fmtCmd) Run(a *app) error {
	if len(c.Paths) == 0 || len(c.Paths) == 1 && c.Paths[0] == "-" {
		return c.formatStdin(a)
	}
	files, err := specFiles(c.Paths)
	if err != nil {
		return err
	}
	bad := false
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		out, diags := dsl.FormatSource(filepath.ToSlash(file), src)
		if a.report(diags, textOf(src)) {
			bad = true
			continue // the others can still be formatted
		}
		if bytes.Equal(src, out) {
			continue
		}
		fmt.Fprintln(a.stdout, file)
		if c.Check {
			bad = true
		} else if err := driver.WriteFile(file, out); err != nil {
			return err
		}
	}
	if bad {
		return errFailed
	}
	return nil
}

func (c *fmtCmd) formatStdin(a *app) error {
	const name = "<standard input>"
	src, err := io.ReadAll(a.stdin)
	if err != nil {
		return err
	}
	out, diags := dsl.FormatSource(name, src)
	if a.report(diags, textOf(src)) {
		return errFailed
	}
	if c.Check {
		if bytes.Equal(src, out) {
			return nil
		}
		return errFailed
	}
	_, err = a.stdout.Write(out)
	return err
}

// specFiles replaces folders by the .cnn files below them.
func specFiles(paths []string) ([]string, error) {
	var files []string
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, errors.Unwrap(err))
		}
		if !info.IsDir() {
			files = append(files, path)
			continue
		}
		err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && filepath.Ext(p) == ".cnn" {
				files = append(files, p)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

// textOf is a source for diagnostics of a single file.
func textOf(src []byte) func(string) (string, bool) {
	return func(string) (string, bool) { return string(src), true }
}
