//go:build !amd64 || purego

package permute

import "github.com/cnnc-dev/cnnc/runtime/internal/cpu"

// run is never called: no vector instructions, no steps.
func run(cpu.ISA, []step, int, []float32, int, []float32, int, int) {}
