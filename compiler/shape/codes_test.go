package shape_test

import (
	"strings"
	"testing"

	"github.com/cnnc-dev/cnnc/compiler/elaborate"
	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// TestCodes compiles the example of each SHAPE code and expects that code.
func TestCodes(t *testing.T) {
	for _, e := range diag.Codes() {
		if !strings.HasPrefix(e.Code, "SHAPE") {
			continue
		}
		l := &elaborate.Loader{Read: func(string) ([]byte, error) { return []byte(e.Example), nil }}
		_, diags := elaborate.Net(l, "example.cnn", "")
		if len(diags) != 1 || diags[0].Code != e.Code {
			t.Errorf("the example of %s gives %v", e.Code, diags)
		}
	}
}
