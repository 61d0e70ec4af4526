//go:build !purego

package cpu

import "golang.org/x/sys/cpu"

// x/sys/cpu reports the wide registers only where the operating system saves them.
func detect() ISA {
	x := cpu.X86
	switch {
	case !x.HasAVX2 || !x.HasFMA:
		return Generic
	case !x.HasAVX512F || !x.HasAVX512VL || !x.HasAVX512DQ || !x.HasAVX512BW:
		return AVX2
	case !hasGrants || !x.HasAMXTile || !x.HasAMXBF16:
		return AVX512
	}
	return AMX
}
