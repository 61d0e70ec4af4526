package densenet121_test

import (
	"testing"

	"github.com/cnnc-dev/cnnc/generated/densenet121"
	"github.com/cnnc-dev/cnnc/generated/internal/gentest"
)

func TestReference(t *testing.T) { gentest.Reference(t, "densenet121", densenet121.New) }
func TestSessions(t *testing.T)  { gentest.Sessions(t, "densenet121", densenet121.New) }
