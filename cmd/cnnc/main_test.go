package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/sbinet/npyio/npy"

	"github.com/cnnc-dev/cnnc/runtime/weights"
)

var update = flag.Bool("update", false, "rewrite the expected outputs in the scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"cnnc": main,
	})
}

// TestScripts runs the command as a user would: testdata/script/*.txtar, in the
// form that package testscript describes. $ROOT is the repository.
func TestScripts(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("ROOT", root)
			env.Setenv("GOPACKAGE", "") // the tests may run under go generate
			if err := writePrefixed(filepath.Join(env.WorkDir, "prefixed.safetensors"), root); err != nil {
				return err
			}
			return writeOnes(filepath.Join(env.WorkDir, "ones.npy"))
		},
	})
}

// writePrefixed writes LeNet-5's weights as a part of a larger network would have them.
func writePrefixed(path, root string) error {
	file, err := weights.Open(filepath.Join(root, "generated", "lenet5", "testdata", "lenet5_mnist.safetensors"))
	if err != nil {
		return err
	}
	defer file.Close()
	prefixed, err := weights.Rename(file, func(key string) string { return "net." + key })
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := weights.Write(&b, prefixed); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o666)
}

// writeOnes writes a picture for LeNet-5, ink all over.
func writeOnes(path string) error {
	var picture [1][32][32]float32
	for y := range picture[0] {
		for x := range picture[0][y] {
			picture[0][y][x] = 1
		}
	}
	var b bytes.Buffer
	if err := npy.Write(&b, picture); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o666)
}
