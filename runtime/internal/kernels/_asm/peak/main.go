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

func main() {
	ConstraintExpr("!purego")
	for _, isa := range []*emit.ISA{emit.AVX512, emit.AVX2} {
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
	Generate()
}
