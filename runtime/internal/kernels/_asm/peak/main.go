// Command peak writes the loops of package peak.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/_asm/emit"
)

// sums is how many sums run beside each other: more than any processor needs to
// fill its pipelines (latency 4 or 5, two a cycle).
const sums = 12

// Memory is read in several streams, each some lines a turn and asked for a while ahead,
// across the pages at which the processor's own foresight ends.
const (
	streams = 4
	turn    = 256  // bytes of a stream
	ahead   = 1024 // bytes
)

func main() {
	ConstraintExpr("!purego")
	for _, isa := range []*emit.ISA{emit.AVX512, emit.AVX2} {
		fma(isa)
		read(isa)
	}
	Generate()
}

func fma(isa *emit.ISA) {
	name := "fma" + isa.Name
	TEXT(name, NOSPLIT, "func(n int)")
	Doc(fmt.Sprintf("%s multiplies and adds %d vectors of %d floats, n times.", name, sums, isa.Lanes))
	n := Load(Param("n"), reg.RAX)
	for _, v := range isa.V[:sums+2] {
		isa.Zero(v)
	}
	Label("loop")
	for _, v := range isa.V[:sums] {
		VFMADD231PS(isa.V[sums], isa.V[sums+1], v)
	}
	DECQ(n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

func read(isa *emit.ISA) {
	name := "read" + isa.Name
	TEXT(name, NOSPLIT, "func(p *float32, bytes, n int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s reads %d streams, so many bytes apart, n times %d bytes each.", name, streams, turn))
	p := Load(Param("p"), reg.RAX)
	step := Load(Param("bytes"), reg.RBX)
	n := Load(Param("n"), reg.RCX)
	step3 := reg.RDX
	LEAQ(Mem{Base: step, Index: step, Scale: 2}, step3)
	for _, v := range isa.V[:sums] {
		isa.Zero(v)
	}
	Label("loop")
	v := 0
	for _, at := range [streams]Mem{{Base: p}, {Base: p, Index: step, Scale: 1}, {Base: p, Index: step, Scale: 2}, {Base: p, Index: step3, Scale: 1}} {
		for i := 0; i < turn; i += isa.Bytes() {
			if i%64 == 0 {
				PREFETCHT0(at.Offset(i + ahead))
			}
			VADDPS(at.Offset(i), isa.V[v%sums], isa.V[v%sums])
			v++
		}
	}
	emit.Add(turn, p)
	DECQ(n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}
