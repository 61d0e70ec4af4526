package weights

import (
	"encoding/binary"
	"math"
	"unsafe"
)

// conversions turn little-endian bytes of a type to float32, by its name in the header.
var conversions = map[string]func(raw []byte) []float32{
	"F32":  fromF32,
	"F16":  func(raw []byte) []float32 { return from16(raw, half) },
	"BF16": func(raw []byte) []float32 { return from16(raw, bfloat) },
	"F64":  fromF64,
}

// littleEndian says whether this machine's floats lie in memory as the file's do.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// fromF32 returns raw itself if it can be read as it lies.
func fromF32(raw []byte) []float32 {
	p := unsafe.Pointer(unsafe.SliceData(raw))
	if littleEndian && uintptr(p)%unsafe.Alignof(float32(0)) == 0 {
		return unsafe.Slice((*float32)(p), len(raw)/4)
	}
	out := make([]float32, len(raw)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return out
}

func fromF64(raw []byte) []float32 {
	out := make([]float32, len(raw)/8)
	for i := range out {
		out[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:])))
	}
	return out
}

func from16(raw []byte, convert func(uint16) float32) []float32 {
	out := make([]float32, len(raw)/2)
	for i := range out {
		out[i] = convert(binary.LittleEndian.Uint16(raw[2*i:]))
	}
	return out
}

// bfloat is the upper half of a float32.
func bfloat(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }

// half has 5 bits of exponent and 10 of fraction.
func half(h uint16) float32 {
	sign, magnitude := uint32(h&0x8000)<<16, uint32(h&0x7fff)
	switch {
	case magnitude >= 0x7c00: // Inf, NaN: the exponent is all ones in both
		return math.Float32frombits(sign | magnitude<<13 | 0x7f800000)
	case magnitude < 0x0400: // subnormal: a multiple of 2^-24
		v := float32(magnitude) / (1 << 24)
		return math.Float32frombits(sign | math.Float32bits(v))
	}
	return math.Float32frombits(sign | (magnitude<<13 + (127-15)<<23))
}
