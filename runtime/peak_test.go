package runtime

import (
	"testing"
	"time"
)

// The rates are not tested but for being some: slower than the slowest machine,
// faster than the fastest.
func TestMeasureBandwidth(t *testing.T) {
	for _, threads := range []int{1, 2} {
		for _, bytes := range []int{1, 100 << 10, 16 << 20} {
			if r := MeasureBandwidth(threads, bytes, time.Millisecond); r < 1e7 || r > 1e14 {
				t.Errorf("%d threads, %d bytes: %g bytes a second", threads, bytes, r)
			}
		}
	}
}
