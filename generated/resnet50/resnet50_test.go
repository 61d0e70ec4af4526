package resnet50_test

import (
	"testing"

	"github.com/cnnc-dev/cnnc/generated/internal/gentest"
	"github.com/cnnc-dev/cnnc/generated/resnet50"
)

func TestReference(t *testing.T) { gentest.Reference(t, "resnet50", resnet50.New) }
func TestSessions(t *testing.T)  { gentest.Sessions(t, "resnet50", resnet50.New) }
