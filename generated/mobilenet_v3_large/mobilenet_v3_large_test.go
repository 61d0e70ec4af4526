package mobilenet_v3_large_test

import (
	"testing"

	"github.com/cnnc-dev/cnnc/generated/internal/gentest"
	"github.com/cnnc-dev/cnnc/generated/mobilenet_v3_large"
)

func TestReference(t *testing.T) { gentest.Reference(t, "mobilenet_v3_large", mobilenet_v3_large.New) }
func TestSessions(t *testing.T)  { gentest.Sessions(t, "mobilenet_v3_large", mobilenet_v3_large.New) }
