package xception_test

import (
	"testing"

	"github.com/cnnc-dev/cnnc/generated/internal/gentest"
	"github.com/cnnc-dev/cnnc/generated/xception"
)

func TestReference(t *testing.T) { gentest.Reference(t, "xception", xception.New) }
func TestSessions(t *testing.T)  { gentest.Sessions(t, "xception", xception.New) }
