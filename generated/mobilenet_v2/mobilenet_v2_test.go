package mobilenet_v2_test

import (
	"testing"

	"github.com/cnnc-dev/cnnc/generated/internal/gentest"
	"github.com/cnnc-dev/cnnc/generated/mobilenet_v2"
)

func TestReference(t *testing.T) { gentest.Reference(t, "mobilenet_v2", mobilenet_v2.New) }
func TestSessions(t *testing.T)  { gentest.Sessions(t, "mobilenet_v2", mobilenet_v2.New) }
