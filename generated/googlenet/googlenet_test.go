package googlenet_test

import (
	"testing"

	"github.com/cnnc-dev/cnnc/generated/googlenet"
	"github.com/cnnc-dev/cnnc/generated/internal/gentest"
)

func TestReference(t *testing.T) { gentest.Reference(t, "googlenet", googlenet.New) }
func TestSessions(t *testing.T)  { gentest.Sessions(t, "googlenet", googlenet.New) }
