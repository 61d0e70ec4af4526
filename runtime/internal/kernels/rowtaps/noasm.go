//go:build !amd64 || purego

package rowtaps

import "github.com/cnnc-dev/cnnc/runtime/internal/cpu"

// assembly is never called: without assembly, cpu.Level is Generic.
func (c *Call) assembly(cpu.ISA) { c.generic() }
