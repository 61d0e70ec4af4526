package main

import (
	"github.com/cnnc-dev/cnnc/cmd/cnnc/internal/driver"
	"github.com/cnnc-dev/cnnc/compiler"
	"github.com/cnnc-dev/cnnc/compiler/onnx"
	"github.com/cnnc-dev/cnnc/compiler/verify"
)

type exportCmd struct {
	ONNX exportONNXCmd `cmd:"" name:"onnx" help:"Write an ONNX model: float32, opset 17, any batch."`
}

type exportONNXCmd struct {
	specArgs `embed:""`
	Weights  string `required:"" xor:"weights" placeholder:"FILE" help:"The checkpoint: a .safetensors file, or a .pth file with a state dict."`
	Prefix   string `name:"strip-prefix" placeholder:"P" help:"Take this off the names of the checkpoint's tensors, such as the module. of parallel training."`
	Random   bool   `required:"" xor:"weights" help:"Invent the weights instead, those of cnnc bench."`
	Fold     bool   `help:"Fold batch normalisation and scales into the weights of the layers beside them. Without it, the model has the checkpoint's tensors as they are."`
	Out      string `short:"o" required:"" type:"path" placeholder:"FILE" help:"The .onnx file to write."`
}

func (c *exportONNXCmd) Run(a *app) error {
	last := "drop-identities"
	if c.Fold {
		last = "fold-batchnorm-forward"
	}
	// Merged convolutions would only be taken apart again.
	r, err := c.compile(a, compiler.Options{StopAfter: last, Disable: []string{"merge-convs"}})
	if err != nil {
		return err
	}
	data, err := c.export(r)
	if err != nil {
		return err
	}
	return driver.WriteFile(c.Out, data)
}

func (c *exportONNXCmd) export(r *compiler.Result) ([]byte, error) {
	if c.Random {
		return onnx.Export(r.Graph, verify.Random(r.Elaborated))
	}
	tensors, closeFile, err := driver.OpenWeights(c.Weights, c.Prefix)
	if err != nil {
		return nil, err
	}
	defer closeFile()
	return onnx.Export(r.Graph, tensors)
}
