package runtime

import (
	"slices"
	"sync"
	"time"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/amx"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/peak"
)

// MeasurePeak returns the floating-point operations a second that multiply-adds reach
// on so many threads at once with the kernels' instruction set: the best of what it
// sees in the given time. The first bursts of a thread are slow, until the processor
// has powered its wide units up. A few hundred microseconds right after other work find
// the clock which that work left; a few milliseconds, the highest.
func MeasurePeak(threads int, d time.Duration) float64 {
	return bestBurst(threads, d, func() float64 { return peak.Burst(cpu.Level()) })
}

// MeasureTilePeak is MeasurePeak of the products of float32 that the processor's tiles make
// of those of bfloat16 (see Conv.Tiled), 0 if it has no tiles.
func MeasureTilePeak(threads int, d time.Duration) float64 {
	if !cpu.Tiles() {
		return 0
	}
	return bestBurst(threads, d, amx.Burst)
}

// bestBurst returns the best rate that each thread sees in the given time, added up.
func bestBurst(threads int, d time.Duration, burst func() float64) float64 {
	end := time.Now().Add(d)
	return together(threads, func(int) (best float64) {
		for {
			best = max(best, burst())
			if time.Now().After(end) {
				return best
			}
		}
	})
}

// MeasureBandwidth returns the bytes a second that so many threads at once read, again
// and again for the given time, from memory of so many bytes in all: the median of what it
// sees. What the caches hold of it comes from there. Each thread reads a part of its own.
func MeasureBandwidth(threads, bytes int, d time.Duration) float64 {
	const piece = hugeFloats // is timed, or as many passes over a smaller part
	each := roundUp(max(1, bytes/4/threads), 16*lineFloats)
	mem := alignedFloats(threads * each)
	for i := range mem {
		mem[i] = 1 // memory that nobody has written to may all be one page
	}
	passes := max(1, piece/each)
	return together(threads, func(i int) float64 {
		part := mem[i*each:][:each]
		peak.Read(cpu.Level(), part) // in the caches now, or as much as fits
		var rates []float64
		for end := time.Now().Add(d); len(rates) == 0 || time.Now().Before(end); {
			for some := range slices.Chunk(part, piece) {
				start := time.Now()
				for range passes {
					peak.Read(cpu.Level(), some)
				}
				rates = append(rates, 4*float64(passes*len(some))/time.Since(start).Seconds())
			}
		}
		slices.Sort(rates)
		return rates[len(rates)/2]
	})
}

// together adds up what so many threads measure at once.
func together(threads int, measure func(thread int) float64) (sum float64) {
	rates := make([]float64, threads)
	var wg sync.WaitGroup
	for i := 1; i < threads; i++ {
		wg.Go(func() { rates[i] = measure(i) })
	}
	rates[0] = measure(0)
	wg.Wait()
	for _, r := range rates {
		sum += r
	}
	return sum
}
