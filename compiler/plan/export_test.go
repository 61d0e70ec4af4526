package plan

import "github.com/cnnc-dev/cnnc/runtime"

func Assign(regions []Region) int                            { return assign(regions) }
func LowerBound(regions []Region) int                        { return lowerBound(regions) }
func ChooseAlgo(op *runtime.Conv, opts Options) runtime.Algo { return chooseAlgo(op, opts) }
func Pitch(channels int) int                                 { return (&buffer{channels: channels}).pitch() }

// Smallest returns offsets that need the least memory.
func Smallest(regions []Region) []int {
	offsets, _ := smallest(regions)
	return offsets
}

func Strayed(regions []Region, offsets []int) int { return strayed(regions, offsets) }
