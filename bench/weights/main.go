// Command weights invents a checkpoint for a network that comes with cnnc: the
// weights of cnnc bench and of cnnc export onnx --random, as a file.
//
//	weights NET FILE.safetensors
package main

import (
	"fmt"
	"log"
	"os"

	"github.com/cnnc-dev/cnnc/compiler/elaborate"
	"github.com/cnnc-dev/cnnc/compiler/verify"
	"github.com/cnnc-dev/cnnc/runtime/weights"
	"github.com/cnnc-dev/cnnc/specs"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: weights NET FILE.safetensors")
	}
	if err := write(os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func write(name, path string) error {
	net, ok := specs.Find(name)
	if !ok {
		return fmt.Errorf("no network is named %s", name)
	}
	g, diags := elaborate.Net(&elaborate.Loader{Library: specs.FS()}, net.File, net.Name)
	if err := diags.Err(); err != nil {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := weights.Write(file, verify.Random(g)); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}
