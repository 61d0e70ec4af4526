//go:build !purego

package amx

import (
	"reflect"
	"testing"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/argstest"
)

func TestArgs(t *testing.T) {
	argstest.Check(t, "amx", reflect.TypeFor[args]())
	argstest.Check(t, "amx", reflect.TypeFor[splitArgs]())
}
