//go:build !amd64 || purego

package peak

import (
	goruntime "runtime"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
)

// fma runs the loop and returns how many floats a turn has.
func fma(_ cpu.ISA, turns int) int {
	goruntime.KeepAlive(genericFMA(turns)) // a sum nobody wants, but computed
	return 8
}

func read(_ cpu.ISA, data []float32) {
	goruntime.KeepAlive(genericRead(data))
}
