package codegen

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/cnnc-dev/cnnc/compiler/plan"
	"github.com/cnnc-dev/cnnc/runtime"
)

// words says what a layer computes, in a fixed number of words for its kind of
// op, empty where there is nothing to say: conv 3x3 s2 groups 32 + bn2 + relu.
func words(s *plan.Step) []string {
	var before, after []string
	for _, n := range s.Norms {
		if n.Before {
			before = append(before, normName(n)+" +")
		} else {
			after = append(after, "+ "+normName(n))
		}
	}
	var w []string
	switch o := s.Op.(type) {
	case *runtime.Conv:
		var read []string // what happens to the input before it gets to the weights
		if o.InNorm {
			read, before = before[:1:1], before[1:]
		}
		if o.InAct.Kind != runtime.None {
			read = append(read, strings.ToLower(actName(o.InAct))+" +")
		}
		if o.Gate {
			read = append(read, "gate +")
		}
		before = append(read, before...)
		groups := ""
		switch {
		case depthwise(o):
			groups = "depthwise"
		case o.Groups > 1:
			groups = fmt.Sprintf("groups %d", o.Groups)
		}
		if len(s.Parts) > 0 {
			groups = fmt.Sprintf("of %d parts", len(s.Parts))
		}
		w = []string{"conv", by(o.Kernel), ifNot1("s", o.Stride), ifNot1("d", o.Dilation), groups}
	case *runtime.MaxPool:
		w = []string{"max pool", by(o.Kernel), ifNot1("s", o.Stride), ifNot1("d", o.Dilation)}
	case *runtime.AvgPool:
		w = []string{"average pool", by(o.Kernel), ifNot1("s", o.Stride)}
	case *runtime.AdaptivePool:
		w = []string{"global", "average pool"}
		if o.Out.Pixels() > 1 {
			w[0] = "adaptive"
		}
		if o.Max {
			w[1] = "max pool"
		}
	case *runtime.Activation:
		w = []string{strings.ToLower(actName(o.Act))}
	case *runtime.Mul:
		w = []string{"multiply", ""}
		if o.Broadcast {
			w[1] = "by channel"
		}
	case *runtime.Pick:
		w = []string{"pick channels", ""}
		if len(o.Channels) <= 16 {
			w[1] = list(strings.Fields(strings.Trim(fmt.Sprint(o.Channels), "[]")))
		}
	case *runtime.LRN:
		w = []string{"local response normalisation", fmt.Sprintf("over %d", o.Size)}
	case *runtime.LayerNorm:
		w = []string{"layer normalisation"}
	case *runtime.Affine:
		w = []string{"scale and shift by"}
		after = []string{strings.TrimPrefix(strings.Join(after, " "), "+ ")}
	default:
		w = []string{strings.ToLower(opType(o))}
	}
	w = append([]string{strings.Join(before, " ")}, w...)
	w = append(w, strings.Join(after, " "))
	residual := ""
	if s.Residual != nil {
		residual = "+ residual"
	}
	act := ""
	if a := opAct(s.Op); a.Kind != runtime.None && opType(s.Op) != "Activation" {
		act = "+ " + strings.ToLower(actName(a))
	}
	return append(w, residual, act)
}

// normName is what a norm is called in a comment: the end of its key, or what it
// is where that is a number.
func normName(n runtime.Norm) string {
	last := n.Key[strings.LastIndexByte(n.Key, '.')+1:]
	if strings.Trim(last, "0123456789") == "" {
		return strings.ToLower(constants[reflect.TypeFor[runtime.NormKind]()][n.Kind])
	}
	return plain(last)
}

// common joins the words that all layers have in common.
func common(steps []*plan.Step) string {
	w := words(steps[0])
	for _, s := range steps[1:] {
		for i, other := range words(s) {
			if w[i] != other {
				w[i] = ""
			}
		}
	}
	var said []string
	for _, word := range w {
		if word != "" {
			said = append(said, word)
		}
	}
	return strings.Join(said, " ")
}
