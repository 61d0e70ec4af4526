package main

import (
	"encoding/binary"
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Neither Go's assembler nor avo knows AMX: its instructions are written as bytes. All
// have a three-byte VEX prefix, of the map 0F38, W0, 128.

// tile is a tile register.
type tile int

// Prefixes that VEX holds.
const (
	none = 0
	f3   = 2
	f2   = 3
)

// vex returns an instruction. Of rm and mem, mem counts unless it is nil.
func vex(prefix, opcode byte, r, v, rm tile, mem *operand.Mem) []byte {
	const mapOf = 2
	notX, notB := byte(1), byte(1)
	var rest []byte
	modrm := func(mod, rm int) byte { return byte(mod<<6 | int(r)<<3 | rm) }
	if mem == nil {
		rest = []byte{modrm(3, int(rm))}
	} else {
		rest, notX, notB = address(mem, modrm)
	}
	return append([]byte{0xc4, 1<<7 | notX<<6 | notB<<5 | mapOf, (^byte(v)&15)<<3 | prefix, opcode}, rest...)
}

// address is a memory operand, and what of it VEX holds, inverted.
func address(m *operand.Mem, modrm func(mod, rm int) byte) (rest []byte, notX, notB byte) {
	const sib = 4
	base := number(m.Base)
	mod, disp := 2, binary.LittleEndian.AppendUint32(nil, uint32(int32(m.Disp)))
	switch {
	case m.Disp == 0 && base%8 != number(reg.RBP):
		mod, disp = 0, nil
	case int(int8(m.Disp)) == m.Disp:
		mod, disp = 1, disp[:1]
	}
	index := sib // none
	switch {
	case m.Index != nil && m.Scale == 1 && m.Index != reg.RSP:
		index = number(m.Index)
	case m.Index != nil:
		panic("amx: index " + m.Asm())
	}
	if m.Index == nil && base%8 != sib {
		rest = []byte{modrm(mod, base%8)}
	} else {
		rest = []byte{modrm(mod, sib), byte(index%8<<3 | base%8)}
	}
	return append(rest, disp...), byte(1 - index/8), byte(1 - base/8)
}

// number is a register's, as instructions have it.
func number(r reg.Register) int { return int(r.(reg.Physical).PhysicalIndex()) }

// write writes an instruction and what it is.
func write(isa string, code []byte, text string, operands ...any) {
	build.Comment(fmt.Sprintf(text, operands...))
	put := func(opcode string, value operand.Op) {
		build.Instruction(&ir.Instruction{Opcode: opcode, Operands: []operand.Op{value}, ISA: []string{isa}})
	}
	for len(code) >= 4 {
		put("LONG", operand.U32(binary.LittleEndian.Uint32(code)))
		code = code[4:]
	}
	if len(code) >= 2 {
		put("WORD", operand.U16(binary.LittleEndian.Uint16(code)))
		code = code[2:]
	}
	if len(code) == 1 {
		put("BYTE", operand.U8(code[0]))
	}
}

func loadConfig(m operand.Mem) { write("AMX-TILE", encodeLoadConfig(m), "ldtilecfg %s", m.Asm()) }
func release()                 { write("AMX-TILE", encodeRelease(), "tilerelease") }
func zero(t tile)              { write("AMX-TILE", encodeZero(t), "tilezero tmm%d", t) }

// load loads a tile, store stores one: rows are the index of m apart.
func load(t tile, m operand.Mem) {
	write("AMX-TILE", encodeLoad(t, m), "tileloadd tmm%d from %s", t, m.Asm())
}
func store(t tile, m operand.Mem) {
	write("AMX-TILE", encodeStore(t, m), "tilestored tmm%d to %s", t, m.Asm())
}

// multiplyAdd adds a times b to sum.
func multiplyAdd(sum, a, b tile) {
	write("AMX-BF16", encodeMultiplyAdd(sum, a, b), "tdpbf16ps tmm%d += tmm%d times tmm%d", sum, a, b)
}

func encodeLoadConfig(m operand.Mem) []byte    { return vex(none, 0x49, 0, 0, 0, &m) }
func encodeRelease() []byte                    { return vex(none, 0x49, 0, 0, 0, nil) }
func encodeZero(t tile) []byte                 { return vex(f2, 0x49, t, 0, 0, nil) }
func encodeLoad(t tile, m operand.Mem) []byte  { return vex(f2, 0x4b, t, 0, 0, &m) }
func encodeStore(t tile, m operand.Mem) []byte { return vex(f3, 0x4b, t, 0, 0, &m) }
func encodeMultiplyAdd(sum, a, b tile) []byte  { return vex(f3, 0x5c, sum, b, a, nil) }
