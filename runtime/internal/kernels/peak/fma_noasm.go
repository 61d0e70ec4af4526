//go:build !amd64 || purego

package peak

import "github.com/cnnc-dev/cnnc/runtime/internal/cpu"

// fma runs the loop and returns how many floats a turn has.
func fma(_ cpu.ISA, turns int) int {
	generic(turns)
	return 8
}
