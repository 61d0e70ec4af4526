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
	AMX                // AMX's tiles of bfloat16, for products of matrices; else AVX512
)

var names = [...]string{Generic: "generic", AVX2: "avx2", AVX512: "avx512", AMX: "amx"}

func (i ISA) String() string { return names[i] }

// Machine is the greatest ISA of this machine.
var Machine = detect()

// Best is the greatest ISA of this machine that has kernels of all families.
var Best = min(Machine, AVX512)

var (
	level  atomic.Int32
	envErr error
)

func init() {
	isa, err := choose(os.Getenv("CNNC_CPU"), Machine)
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
	return best, fmt.Errorf("CNNC_CPU=%s: want generic, avx2, avx512 or amx", override)
}

// Level returns the ISA in use, AVX512 if that is AMX. Whoever packs weights asks once and
// packs for it.
func Level() ISA { return min(ISA(level.Load()), AVX512) }

// Tiles reports whether AMX is in use, and asks the operating system for it, which it wants
// to be asked once a process.
func Tiles() bool { return ISA(level.Load()) == AMX && granted() }

// Err reports what was wrong with CNNC_CPU; the machine's greatest ISA is then in use.
func Err() error { return envErr }

// Force sets the level, for tests, and returns a function that restores it. It
// panics if the machine has no such level.
func Force(isa ISA) (undo func()) {
	if isa > Machine {
		panic(fmt.Sprintf("cpu: %s forced on a machine with %s", isa, Machine))
	}
	old := level.Swap(int32(isa))
	return func() { level.Store(old) }
}
