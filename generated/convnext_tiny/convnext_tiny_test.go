package convnext_tiny_test

import (
	"testing"

	"github.com/cnnc-dev/cnnc/generated/convnext_tiny"
	"github.com/cnnc-dev/cnnc/generated/internal/gentest"
)

func TestReference(t *testing.T) { gentest.Reference(t, "convnext_tiny", convnext_tiny.New) }
func TestSessions(t *testing.T)  { gentest.Sessions(t, "convnext_tiny", convnext_tiny.New) }
