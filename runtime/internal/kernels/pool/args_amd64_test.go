//go:build !purego

package pool

import (
	"reflect"
	"testing"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/argstest"
)

func TestArgs(t *testing.T) {
	argstest.Check(t, "pool", reflect.TypeFor[args]())
}
