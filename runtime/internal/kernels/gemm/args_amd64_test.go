//go:build !purego

package gemm

import (
	"reflect"
	"testing"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/argstest"
)

func TestArgs(t *testing.T) {
	argstest.Check(t, "gemm", reflect.TypeFor[args]())
}
