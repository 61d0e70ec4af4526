//go:build !purego

package transpose

import (
	"reflect"
	"testing"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/argstest"
)

func TestArgs(t *testing.T) {
	argstest.Check(t, "transpose", reflect.TypeFor[args]())
}
