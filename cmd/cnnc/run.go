package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/cnnc-dev/cnnc/cmd/cnnc/internal/driver"
	"github.com/cnnc-dev/cnnc/cmd/cnnc/internal/report"
	"github.com/cnnc-dev/cnnc/compiler"
	"github.com/cnnc-dev/cnnc/compiler/exec"
	"github.com/cnnc-dev/cnnc/compiler/plan"
	"github.com/cnnc-dev/cnnc/runtime"
	"github.com/cnnc-dev/cnnc/runtime/weights"
)

type runCmd struct {
	specArgs `embed:""`
	Weights  string   `required:"" placeholder:"FILE" help:"The checkpoint: a .safetensors file, or a .pth file with a state dict."`
	Prefix   string   `name:"strip-prefix" placeholder:"P" help:"Take this off the names of the checkpoint's tensors, such as the module. of parallel training."`
	Input    []string `required:"" sep:"none" placeholder:"[NAME=]FILE" help:"An input: a .jpg or .png picture, which is preprocessed as the spec says; or float32, [c h w] or [n c h w], in a .npy file or a .safetensors file with a tensor of the input's name. One for each input of the net."`
	Out      string   `short:"o" placeholder:"FILE" help:"Write the outputs to a .safetensors file, too."`
	Top      int      `default:"5" help:"How many of the largest values of a vector to print."`
	Threads  int      `default:"0" help:"Threads; 0 for as many as there are processors."`
	JSON     bool     `name:"json" help:"Print the outputs whole, as JSON."`
}

// outputTensor is one output, as cnnc run --json prints it.
type outputTensor struct {
	Name  string    `json:"name"`
	Shape []int     `json:"shape"` // [n c h w] or [n features]
	Data  []float32 `json:"data"`  // row-major
}

func (c *runCmd) Run(a *app) error {
	if err := inRange("threads", c.Threads, 0, maxThreads); err != nil {
		return err
	}
	r, err := c.compile(a, compiler.Options{})
	if err != nil {
		return err
	}
	inputs, n, err := c.inputs(r.Plan)
	if err != nil {
		return err
	}
	model, err := c.load(r.Plan)
	if err != nil {
		return err
	}
	if err := checkMemory(model, n, []int{c.Threads}); err != nil {
		return fmt.Errorf("%w: give fewer images at a time", err)
	}
	s := model.NewSession(runtime.Threads(c.Threads), runtime.Batch(n))
	defer s.Close()
	outs := make([]outputTensor, len(r.Plan.Outputs))
	dst := make([][]float32, len(outs))
	for i, p := range r.Plan.Outputs {
		dst[i] = make([]float32, n*p.Shape.Elems())
		outs[i] = outputTensor{p.Name, append([]int{n}, p.Shape...), dst[i]}
	}
	if err := s.Forward(dst, inputs, n); err != nil {
		return err
	}
	if c.Out != "" {
		m := weights.Map{}
		for _, o := range outs {
			m[o.Name] = runtime.Tensor{Shape: o.Shape, Data: o.Data}
		}
		if err := driver.WriteTensors(c.Out, m); err != nil {
			return err
		}
	}
	if c.JSON {
		return report.JSON(a.stdout, outs)
	}
	for _, o := range outs {
		c.print(a, o, r.Plan.Labels)
	}
	return nil
}

// load packs the checkpoint's weights.
func (c *runCmd) load(p *plan.Plan) (*exec.Model, error) {
	tensors, closeFile, err := driver.OpenWeights(c.Weights, c.Prefix)
	if err != nil {
		return nil, err
	}
	defer closeFile()
	model, err := exec.Load(p, tensors)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Weights, err)
	}
	return model, nil
}

// inputs reads an input for each of the plan's; n is how many images they hold.
func (c *runCmd) inputs(p *plan.Plan) (data [][]float32, n int, err error) {
	files := map[string]string{}
	for _, arg := range c.Input {
		name, file, ok := strings.Cut(arg, "=")
		if !ok {
			if len(p.Inputs) > 1 {
				return nil, 0, driver.Usagef("--input %s: the network has %d inputs; say which with NAME=FILE", arg, len(p.Inputs))
			}
			name, file = p.Inputs[0].Name, arg
		}
		if files[name] != "" {
			return nil, 0, driver.Usagef("--input %s: the input %s has been given", arg, name)
		}
		if !slices.ContainsFunc(p.Inputs, func(in plan.Port) bool { return in.Name == name }) {
			return nil, 0, driver.Usagef("--input %s: the network has no input %s; %s", arg, name, describeInputs(p))
		}
		files[name] = file
	}
	for i, in := range p.Inputs {
		file, ok := files[in.Name]
		if !ok {
			return nil, 0, driver.Usagef("the network's input %s %v is missing: --input %s=FILE", in.Name, in.Shape, in.Name)
		}
		var t runtime.Tensor
		if driver.IsPicture(file) {
			if i > 0 || p.Preprocess == nil {
				return nil, 0, fmt.Errorf("%s: the spec does not say how a picture becomes the input %s: state it with preprocess, or give a .npy file", file, in.Name)
			}
			t, err = driver.ReadPicture(file, *p.Preprocess)
		} else {
			t, err = driver.ReadTensor(file, in.Name)
		}
		if err != nil {
			return nil, 0, err
		}
		images := 1
		dims := t.Shape
		if len(dims) == len(in.Shape)+1 {
			images, dims = dims[0], dims[1:]
		}
		if !slices.Equal(dims, in.Shape) || images < 1 {
			return nil, 0, fmt.Errorf("%s has shape %v; the network's input %s is %v, one image or several", file, t.Shape, in.Name, in.Shape)
		}
		if i > 0 && images != n {
			return nil, 0, fmt.Errorf("%s holds %d images, %s holds %d", file, images, p.Inputs[0].Name, n)
		}
		n = images
		data = append(data, t.Data)
	}
	return data, n, nil
}

// describeInputs says what a network takes.
func describeInputs(p *plan.Plan) string {
	var all []string
	for _, in := range p.Inputs {
		all = append(all, fmt.Sprintf("%s %v", in.Name, in.Shape))
	}
	return "it takes " + strings.Join(all, " and ")
}

// print shows the largest values of a vector, and the range of a map.
func (c *runCmd) print(a *app, o outputTensor, labels []string) {
	each := len(o.Data) / o.Shape[0]
	for i := range o.Shape[0] {
		values := o.Data[i*each : (i+1)*each]
		fmt.Fprintf(a.stdout, "%s, image %d: %v\n", o.Name, i, o.Shape[1:])
		if len(o.Shape) > 2 {
			fmt.Fprintf(a.stdout, "  from %g to %g\n", slices.Min(values), slices.Max(values))
			continue
		}
		order := make([]int, each)
		for j := range order {
			order[j] = j
		}
		slices.SortStableFunc(order, func(x, y int) int { return cmp.Compare(values[y], values[x]) })
		for _, j := range order[:max(0, min(c.Top, each))] {
			label := ""
			if len(labels) == each {
				label = labels[j]
			}
			fmt.Fprintf(a.stdout, "  %5d  %12.6g  %s\n", j, values[j], label)
		}
	}
}
