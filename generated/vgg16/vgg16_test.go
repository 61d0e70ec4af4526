package vgg16_test

import (
	"testing"

	"github.com/cnnc-dev/cnnc/generated/internal/gentest"
	"github.com/cnnc-dev/cnnc/generated/vgg16"
)

func TestReference(t *testing.T) { gentest.Reference(t, "vgg16", vgg16.New) }
func TestSessions(t *testing.T)  { gentest.Sessions(t, "vgg16", vgg16.New) }
