// Package cpu decides which instruction set the kernels use: the best that the
// processor and the operating system offer, or the one that CNNC_CPU names.
package cpu

import (
	"fmt"
	"os"
	"sync/atomic"
)

// ISA is a set of kernels. Greater ones include what lesser ones need.
type ISA int32

const (
	Generic ISA = iota // plain Go
	AVX2               // AVX2 and FMA
	AVX512             // AVX-512 F, VL, DQ and BW
)

var names = [...]string{Generic: "generic", AVX2: "avx2", AVX512: "avx512"}

func (i ISA) String() string { return names[i] }

// Best is the greatest ISA of this machine.
var Best = detect()

var (
	level  atomic.Int32
	envErr error
)

func init() {
	isa, err := choose(os.Getenv("CNNC_CPU"), Best)
	envErr = err
	level.Store(int32(isa))
}

// choose returns the ISA that an override asks for. An override that is unknown,
// or that the machine cannot run, changes nothing and is an error.
func choose(override string, best ISA) (ISA, error) {
	if override == "" {
		return best, nil
	}
	for i, name := range names {
		if name != override {
			continue
		}
		if ISA(i) > best {
			return best, fmt.Errorf("CNNC_CPU=%s: this machine has %s at most", override, best)
		}
		return ISA(i), nil
	}
	return best, fmt.Errorf("CNNC_CPU=%s: want generic, avx2 or avx512", override)
}

// Level returns the ISA in use. Whoever packs weights asks once and packs for it.
func Level() ISA { return ISA(level.Load()) }

// Err reports what was wrong with CNNC_CPU; Level is then Best.
func Err() error { return envErr }

// Force sets the level, for tests, and returns a function that restores it. It
// panics if the machine has no such level.
func Force(isa ISA) (undo func()) {
	if isa > Best {
		panic(fmt.Sprintf("cpu: %s forced on a machine with %s", isa, Best))
	}
	old := level.Swap(int32(isa))
	return func() { level.Store(old) }
}
