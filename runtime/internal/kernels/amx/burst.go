package amx

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Burst multiplies tiles in registers for some 100 microseconds and returns the
// floating-point operations a second of this thread that the same products of float32
// are, two a multiply-add: a sixth of those of their parts.
func Burst() float64 {
	const turns, pairs, products = 5_000, 4, 6
	tiles := burstTiles()
	start := time.Now()
	runBurst(tiles, turns)
	return turns * pairs * 2 * TileRows * TileRows * Depth / products / time.Since(start).Seconds()
}

// burstTiles is two tiles of A and two of B, of numbers that are not zero: with zeros the clock is
// higher than with any others.
var burstTiles = sync.OnceValue(func() []uint16 {
	const tiles = 4
	rng := rand.New(rand.NewPCG(1, 1))
	x := make([]float32, tiles*TileRows*Depth)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	parts := make([]uint16, Parts*len(x))
	s := Split{Dst: parts, Plane: len(x), Src: x, Pitch: Depth, Rows: tiles * TileRows, K: Depth}
	s.Run()
	return parts[:len(x)]
})
