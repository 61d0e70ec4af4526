//go:build !purego

package permute

import (
	"reflect"
	"testing"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/argstest"
)

func TestArgs(t *testing.T) {
	argstest.Check(t, "permute", reflect.TypeFor[args]())
}
