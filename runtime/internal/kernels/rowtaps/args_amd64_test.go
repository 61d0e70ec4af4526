//go:build !purego

package rowtaps

import (
	"reflect"
	"testing"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/argstest"
)

func TestArgs(t *testing.T) {
	argstest.Check(t, "rowtaps", reflect.TypeFor[args]())
}
