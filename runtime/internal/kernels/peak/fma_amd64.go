//go:build !purego

package peak

import (
	goruntime "runtime"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
)

// fma runs the loop and returns how many floats a turn has.
func fma(isa cpu.ISA, turns int) int {
	switch isa {
	case cpu.AVX512:
		fmaAVX512(turns)
		return 12 * 16
	case cpu.AVX2:
		fmaAVX2(turns)
		return 12 * 8
	}
	goruntime.KeepAlive(generic(turns)) // a sum nobody wants, but computed
	return 8
}
