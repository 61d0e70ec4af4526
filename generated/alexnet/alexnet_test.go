package alexnet_test

import (
	"testing"

	"github.com/cnnc-dev/cnnc/generated/alexnet"
	"github.com/cnnc-dev/cnnc/generated/internal/gentest"
)

func TestReference(t *testing.T) { gentest.Reference(t, "alexnet", alexnet.New) }
func TestSessions(t *testing.T)  { gentest.Sessions(t, "alexnet", alexnet.New) }
