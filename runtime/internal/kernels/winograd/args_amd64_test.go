//go:build !purego

package winograd

import (
	"reflect"
	"testing"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/argstest"
)

func TestArgs(t *testing.T) {
	argstest.Check(t, "winograd", reflect.TypeFor[inputArgs]())
	argstest.Check(t, "winograd", reflect.TypeFor[outputArgs]())
	argstest.Check(t, "winograd", reflect.TypeFor[weightsArgs]())
}
