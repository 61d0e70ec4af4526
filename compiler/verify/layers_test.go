package verify

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cnnc-dev/cnnc/compiler/shape"
)

// TestChannelsFirst moves indices into [2 images][h 2, w 3, c 4] to where the same
// elements stand in [2 images][c 4, h 2, w 3].
func TestChannelsFirst(t *testing.T) {
	last := &Probe{Shape: []int{2, 3, 4}, At: []int{0, 1, 4, 12, 23, 24 + 5}}
	want := &Probe{Shape: []int{4, 2, 3}, At: []int{0, 6, 1, 3, 23, 24 + 6 + 1}}
	if d := cmp.Diff(want, last.channelsFirst(shape.Shape{4, 2, 3})); d != "" {
		t.Error(d)
	}
	for _, s := range []shape.Shape{{2, 3, 4}, {4, 3, 2}, {24}} {
		if d := cmp.Diff(last, last.channelsFirst(s)); d != "" {
			t.Errorf("%v: %s", s, d)
		}
	}
}
