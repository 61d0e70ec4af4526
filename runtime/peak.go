package runtime

import (
	"sync"
	"time"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/peak"
)

// MeasurePeak returns the floating-point operations a second that multiply-adds reach
// on so many threads at once with the kernels' instruction set: the best of what it
// sees in the given time, at least one burst.
func MeasurePeak(threads int, d time.Duration) float64 {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		total float64
	)
	end := time.Now().Add(d)
	for range threads {
		wg.Go(func() {
			best := 0.0
			for {
				best = max(best, peak.Burst(cpu.Level()))
				if time.Now().After(end) {
					break
				}
			}
			mu.Lock()
			defer mu.Unlock()
			total += best
		})
	}
	wg.Wait()
	return total
}
