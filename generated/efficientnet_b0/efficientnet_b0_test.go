package efficientnet_b0_test

import (
	"testing"

	"github.com/cnnc-dev/cnnc/generated/efficientnet_b0"
	"github.com/cnnc-dev/cnnc/generated/internal/gentest"
)

func TestReference(t *testing.T) { gentest.Reference(t, "efficientnet_b0", efficientnet_b0.New) }
func TestSessions(t *testing.T)  { gentest.Sessions(t, "efficientnet_b0", efficientnet_b0.New) }
