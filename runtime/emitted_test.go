package runtime

import (
	"fmt"
	"math"
	"testing"
)

func TestCheckLen(t *testing.T) {
	for _, test := range []struct {
		have, size, n int
		want          string
	}{
		{10, 10, 1, ""},
		{30, 10, 3, ""},
		{0, 10, 0, ""},
		{9, 10, 1, "m: dst has 9 floats, want 10"},
		{0, 10, 1, "m: dst has 0 floats, want 10"},
		{10, 10, 0, "m: dst has 10 floats, want 10 for each of 0 images"},
		{29, 10, 3, "m: dst has 29 floats, want 10 for each of 3 images"},
		{40, 10, 3, "m: dst has 40 floats, want 10 for each of 3 images"},
		{10, 10, -1, "m: dst: the number of images is -1"},
		{0, 4, math.MaxInt/2 + 1, fmt.Sprintf("m: dst has 0 floats, want 4 for each of %d images", math.MaxInt/2+1)}, // 4n wraps to 0
	} {
		got := ""
		if err := CheckLen("m: dst", test.have, test.size, test.n); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("CheckLen(%d, %d, %d) = %q, want %q", test.have, test.size, test.n, got, test.want)
		}
	}
}
