package runtime

import (
	"sync"
	"time"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/peak"
)

// MeasurePeak returns the floating-point operations a second that multiply-adds reach
// on so many threads at once with the kernels' instruction set: the best of what it
// sees in the given time. The first bursts of a thread are slow, until the processor
// has powered its wide units up; give it a millisecond.
func MeasurePeak(threads int, d time.Duration) float64 {
	rates := make([]float64, threads)
	var wg sync.WaitGroup
	end := time.Now().Add(d)
	for i := 1; i < threads; i++ {
		wg.Go(func() { rates[i] = bestBurst(end) })
	}
	rates[0] = bestBurst(end)
	wg.Wait()
	total := 0.0
	for _, r := range rates {
		total += r
	}
	return total
}

// bestBurst measures bursts until the given time, at least one.
func bestBurst(end time.Time) float64 {
	best := 0.0
	for {
		best = max(best, peak.Burst(cpu.Level()))
		if time.Now().After(end) {
			return best
		}
	}
}
