//go:build !purego

package eltwise

import (
	"reflect"
	"testing"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/argstest"
)

func TestArgs(t *testing.T) {
	argstest.Check(t, "eltwise", reflect.TypeFor[args]())
}
