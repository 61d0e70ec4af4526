//go:build !amd64 || purego

package grouped

import "github.com/cnnc-dev/cnnc/runtime/internal/kernels/window"

// run is never called: there is no instruction set but the generic one.
func (c *Conv) run(*window.Args) { panic("grouped: no assembly in this build") }
