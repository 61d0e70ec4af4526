package main

import (
	"fmt"
	"testing"

	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// What GNU's assembler makes of the same instructions.
func TestEncodings(t *testing.T) {
	at := func(base, index reg.Register, disp int) Mem {
		return Mem{Base: base, Index: index, Scale: 1, Disp: disp}
	}
	for _, c := range []struct {
		code []byte
		want string
	}{
		{encodeLoadConfig(Mem{Base: reg.RDI}), "c4 e2 78 49 07"},
		{encodeLoadConfig(Mem{Base: reg.RDI, Disp: 64}), "c4 e2 78 49 47 40"},
		{encodeLoadConfig(Mem{Base: reg.R15}), "c4 c2 78 49 07"},
		{encodeRelease(), "c4 e2 78 49 c0"},
		{encodeZero(0), "c4 e2 7b 49 c0"},
		{encodeZero(3), "c4 e2 7b 49 d8"},
		{encodeLoad(4, at(reg.RAX, reg.RCX, 0)), "c4 e2 7b 4b 24 08"},
		{encodeLoad(5, at(reg.RSI, reg.R12, 0)), "c4 a2 7b 4b 2c 26"},
		{encodeLoad(6, at(reg.R8, reg.RCX, 0)), "c4 c2 7b 4b 34 08"},
		{encodeLoad(7, at(reg.R8, reg.RCX, 1024)), "c4 c2 7b 4b bc 08 00 04 00 00"},
		{encodeLoad(7, at(reg.R8, reg.R9, 0)), "c4 82 7b 4b 3c 08"},
		{encodeLoad(7, at(reg.R13, reg.R9, 0)), "c4 82 7b 4b 7c 0d 00"},
		{encodeStore(0, at(reg.RDI, reg.RCX, 0)), "c4 e2 7a 4b 04 0f"},
		{encodeStore(3, at(reg.RDI, reg.RCX, 64)), "c4 e2 7a 4b 5c 0f 40"},
		{encodeStore(3, at(reg.R10, reg.R11, 64)), "c4 82 7a 4b 5c 1a 40"},
		{encodeMultiplyAdd(0, 4, 6), "c4 e2 4a 5c c4"},
		{encodeMultiplyAdd(1, 4, 7), "c4 e2 42 5c cc"},
		{encodeMultiplyAdd(3, 5, 7), "c4 e2 42 5c dd"},
	} {
		if got := fmt.Sprintf("% x", c.code); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}
