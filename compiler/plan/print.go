package plan

import (
	"fmt"
	"strings"

	"github.com/cnnc-dev/cnnc/compiler/shape"
	"github.com/cnnc-dev/cnnc/runtime"
)

// Print returns p as text, for people and golden files: a line for the whole,
// one a port and one a step. A view is written @offset+channel/pitch, in floats,
// the channel left out where it is 0.
//
//	plan tiny: 2 steps, arena 4096 floats (lower bound 4096), 448 parameters, 86016 MACs
//	  input image [3 8 8] @0/16
//	  conv1 = conv direct k=3 s=2 p=1 relu [3 8 8]@0/16 : [16 4 4]@1024/16 weights=conv1 norms=bn1
func Print(p *Plan) string {
	var b strings.Builder
	fmt.Fprintf(&b, "plan %s: %d steps, arena %d floats (lower bound %d), %d parameters, %d MACs\n",
		p.Name, len(p.Steps), p.Arena, p.LowerBound, p.Params, p.MACs)
	for _, in := range p.Inputs {
		fmt.Fprintf(&b, "  input %s %s\n", in.Name, operandText(in.Shape, in.View))
	}
	for i := range p.Steps {
		b.WriteString("  " + stepText(&p.Steps[i]) + "\n")
	}
	for _, out := range p.Outputs {
		fmt.Fprintf(&b, "  output %s %s\n", out.Name, operandText(out.Shape, out.View))
	}
	return b.String()
}

func stepText(s *Step) string {
	words := append([]string{s.Name, "="}, opText(s.Op)...)
	for i, src := range s.Src {
		if conv, ok := s.Op.(*runtime.Conv); i > 0 && ok && conv.Gate {
			words = append(words, "*")
		}
		words = append(words, operandText(s.In[i], src))
	}
	if s.Residual != nil {
		words = append(words, "+", operandText(s.Out, *s.Residual))
	}
	words = append(words, ":", operandText(s.Out, s.Dst))
	text := strings.Join(append(words, weightsText(s)...), " ")
	if c, ok := s.Op.(*Chain); ok {
		for i := range c.Links {
			link := &c.Links[i]
			words := append([]string{"\n   ", link.Name, "="}, opText(link.Op)...)
			words = append(words, ":", link.Out.String())
			text += strings.Join(append(words, weightsText(link)...), " ")
		}
	}
	return text
}

// weightsText says where the weights of a step come from.
func weightsText(s *Step) (words []string) {
	if s.Key != "" {
		words = append(words, "weights="+s.Key)
	}
	for _, p := range s.Parts {
		part := "part=" + p.Key
		if p.Channels != nil {
			part += fmt.Sprint(p.Channels)
		}
		words = append(words, part)
		for _, n := range p.Norms {
			words = append(words, normText(n, false))
		}
	}
	conv, _ := s.Op.(*runtime.Conv)
	for i, n := range s.Norms {
		words = append(words, normText(n, i == 0 && conv != nil && conv.InNorm))
	}
	return words
}

func operandText(s shape.Shape, v runtime.View) string {
	if v.Channel != 0 {
		return fmt.Sprintf("%v@%d+%d/%d", s, v.Offset, v.Channel, v.Pitch)
	}
	return fmt.Sprintf("%v@%d/%d", s, v.Offset, v.Pitch)
}

// opText names an operation and what of its attributes the shapes do not show.
func opText(op any) []string {
	switch o := op.(type) {
	case *runtime.Conv:
		words := append([]string{"conv", algoNames[o.Algo]}, windowText(o.Kernel, o.Stride, o.Dilation, o.Pad)...)
		if o.Groups > 1 {
			words = append(words, fmt.Sprintf("groups=%d", o.Groups))
		}
		if o.InAct.Kind != runtime.None {
			words = append(words, "in="+actText(o.InAct)[0])
		}
		if o.InPool != (runtime.Size{}) {
			words = append(words, "pool="+shape.Size(o.InPool).String())
		}
		return append(words, biasAct(o.Bias, o.Act)...)
	case *runtime.Linear:
		return append([]string{"linear"}, biasAct(o.Bias, o.Act)...)
	case *runtime.Affine:
		return append([]string{"affine"}, actText(o.Act)...)
	case *runtime.LayerNorm:
		return []string{"layernorm", fmt.Sprintf("eps=%v", o.Eps)}
	case *runtime.GRN:
		return []string{"grn", fmt.Sprintf("eps=%v", o.Eps)}
	case *runtime.MaxPool:
		return append([]string{"maxpool"}, windowText(o.Kernel, o.Stride, o.Dilation, o.Pad)...)
	case *runtime.AvgPool:
		words := append([]string{"avgpool"}, windowText(o.Kernel, o.Stride, runtime.Size{H: 1, W: 1}, o.Pad)...)
		if o.CountPad && o.Pad != (runtime.Padding{}) {
			words = append(words, "countpad")
		}
		return words
	case *runtime.AdaptivePool:
		if o.Max {
			return []string{"adaptivepool", "max"}
		}
		return []string{"adaptivepool"}
	case *runtime.Activation:
		return append([]string{"activation"}, actText(o.Act)...)
	case *runtime.Add:
		return append([]string{"add"}, actText(o.Act)...)
	case *runtime.Mul:
		return []string{"mul"}
	case *runtime.Copy:
		return []string{"copy"}
	case *runtime.Pick:
		return []string{"pick"}
	case *runtime.Pad:
		return []string{"pad", fmt.Sprintf("p=%d,%d,%d,%d", o.Pad.Top, o.Pad.Left, o.Pad.Bottom, o.Pad.Right)}
	case *runtime.Upsample:
		return []string{"upsample", fmt.Sprintf("%dx%d", o.Scale.H, o.Scale.W)}
	case *runtime.Flatten:
		return []string{"flatten"}
	case *runtime.LRN:
		return []string{"lrn", fmt.Sprintf("size=%d alpha=%v beta=%v k=%v", o.Size, o.Alpha, o.Beta, o.K)}
	case *runtime.Softmax:
		return []string{"softmax"}
	case *Chain:
		return []string{fmt.Sprintf("chain of %d", len(o.Links))}
	}
	return []string{fmt.Sprintf("%T", op)}
}

var algoNames = map[runtime.Algo]string{
	runtime.Direct:      "direct",
	runtime.RowTaps:     "rowtaps",
	runtime.Grouped:     "grouped",
	runtime.Depthwise:   "depthwise",
	runtime.Winograd4x4: "winograd4x4",
	runtime.Winograd2x2: "winograd2x2",
}

var actNames = map[runtime.ActKind]string{
	runtime.ReLU:        "relu",
	runtime.ReLU6:       "relu6",
	runtime.Sigmoid:     "sigmoid",
	runtime.Tanh:        "tanh",
	runtime.SiLU:        "silu",
	runtime.HardSigmoid: "hardsigmoid",
	runtime.HardSwish:   "hardswish",
	runtime.GELU:        "gelu",
	runtime.GELUTanh:    "gelutanh",
}

func actText(a runtime.Act) []string {
	switch a.Kind {
	case runtime.None:
		return nil
	case runtime.LeakyReLU:
		return []string{fmt.Sprintf("leakyrelu(%v)", a.Slope)}
	}
	return []string{actNames[a.Kind]}
}

func biasAct(bias bool, a runtime.Act) []string {
	if bias {
		return append([]string{"bias"}, actText(a)...)
	}
	return actText(a)
}

func windowText(k, s, d runtime.Size, p runtime.Padding) []string {
	one := runtime.Size{H: 1, W: 1}
	words := []string{"k=" + shape.Size(k).String()}
	if s != one {
		words = append(words, "s="+shape.Size(s).String())
	}
	if d != one {
		words = append(words, "d="+shape.Size(d).String())
	}
	if p != (runtime.Padding{}) {
		words = append(words, "p="+shape.Padding(p).String())
	}
	return words
}

// normText names a norm by its key, or by what it is if it has none, with a mark if
// it acts on the input, in the weights or as it is read.
func normText(n runtime.Norm, asRead bool) string {
	text := "norm="
	switch {
	case asRead:
		text = "in="
	case n.Before:
		text = "before="
	}
	if n.Kind == runtime.Constant {
		return text + "constant"
	}
	return text + n.Key
}
