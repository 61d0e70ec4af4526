package plan

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/cnnc-dev/cnnc/compiler/shape"
	"github.com/cnnc-dev/cnnc/runtime"
)

// Describe says what a step computes: conv 3x3 s2 groups 32 + bn + relu.
func (s *Step) Describe() string {
	if c, ok := s.Op.(*Chain); ok {
		var links []string
		for i := range c.Links {
			links = append(links, c.Links[i].Describe())
		}
		return strings.Join(links, ", ")
	}
	words := s.Words(func(n runtime.Norm) string { return normKindNames[n.Kind] })
	return strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), " ")
}

var normKindNames = map[runtime.NormKind]string{
	runtime.BatchNorm:    "bn",
	runtime.LearnedScale: "scale",
	runtime.Constant:     "constant",
}

// Algorithm names how a step is computed, if it has weights to choose an algorithm for:
// winograd4x4, linear.
func (s *Step) Algorithm() string {
	switch o := s.Op.(type) {
	case *runtime.Conv:
		return algoNames[o.Algo]
	case *runtime.Linear:
		return "linear"
	case *Chain:
		return "chain"
	}
	return ""
}

// Words says what a step computes, in a fixed number of words for its kind of op, empty
// where there is nothing to say: conv, 3x3, s2, "", groups 32, + bn2, "", + relu. The
// caller names the norms.
func (s *Step) Words(norm func(runtime.Norm) string) []string {
	var before, after []string
	for _, n := range s.Norms {
		if n.Before {
			before = append(before, norm(n)+" +")
		} else {
			after = append(after, "+ "+norm(n))
		}
	}
	var w []string
	act := runtime.Act{}
	switch o := s.Op.(type) {
	case *runtime.Conv:
		var read []string // what happens to the input before it gets to the weights
		if o.InNorm {
			read, before = before[:1:1], before[1:]
		}
		if o.InAct.Kind != runtime.None {
			read = append(read, actWord(o.InAct)+" +")
		}
		if o.InPool != (runtime.Size{}) {
			read = append(read, "average pool "+by(o.InPool)+" +")
		}
		if o.Gate {
			read = append(read, "gate +")
		}
		before = append(read, before...)
		groups := ""
		switch {
		case o.Groups > 1 && o.Groups == o.In.C:
			groups = "depthwise"
		case o.Groups > 1:
			groups = fmt.Sprintf("groups %d", o.Groups)
		}
		if len(s.Parts) > 0 {
			groups = fmt.Sprintf("of %d parts", len(s.Parts))
		}
		w = []string{"conv", by(o.Kernel), unlessOne("s", o.Stride), unlessOne("d", o.Dilation), groups}
		act = o.Act
	case *runtime.Linear:
		w, act = []string{"linear"}, o.Act
	case *runtime.Add:
		w, act = []string{"add"}, o.Act
	case *runtime.Affine:
		w, act = []string{"scale and shift by"}, o.Act
		after = []string{strings.TrimPrefix(strings.Join(after, " "), "+ ")}
	case *runtime.MaxPool:
		w = []string{"max pool", by(o.Kernel), unlessOne("s", o.Stride), unlessOne("d", o.Dilation)}
	case *runtime.AvgPool:
		w = []string{"average pool", by(o.Kernel), unlessOne("s", o.Stride)}
	case *runtime.AdaptivePool:
		w = []string{"global", "average pool"}
		if o.Out.Pixels() > 1 {
			w[0] = "adaptive"
		}
		if o.Max {
			w[1] = "max pool"
		}
	case *runtime.Activation:
		w = []string{actWord(o.Act)}
	case *runtime.Mul:
		w = []string{"multiply", ""}
		if o.Broadcast {
			w[1] = "by channel"
		}
	case *runtime.Pick:
		w = []string{"pick channels", ""}
		if len(o.Channels) <= 16 {
			w[1] = strings.Trim(strings.ReplaceAll(fmt.Sprint(o.Channels), " ", ", "), "[]")
		}
	case *runtime.LRN:
		w = []string{"local response normalisation", fmt.Sprintf("over %d", o.Size)}
	case *runtime.LayerNorm:
		w = []string{"layer normalisation"}
	case *runtime.GRN:
		w = []string{"global response normalisation"}
	default:
		w = []string{strings.ToLower(reflect.TypeOf(o).Elem().Name())}
	}
	w = append([]string{strings.Join(before, " ")}, w...)
	w = append(w, strings.Join(after, " "), "", "")
	if s.Residual != nil {
		w[len(w)-2] = "+ residual"
	}
	if act.Kind != runtime.None {
		w[len(w)-1] = "+ " + actWord(act)
	}
	return w
}

// actWord names an activation, its slope left out.
func actWord(a runtime.Act) string {
	if a.Kind == runtime.LeakyReLU {
		return "leakyrelu"
	}
	return actNames[a.Kind]
}

func by(s runtime.Size) string { return fmt.Sprintf("%dx%d", s.H, s.W) }

// unlessOne writes s2, or s2x1 by two different numbers, and nothing for one.
func unlessOne(letter string, s runtime.Size) string {
	if s == (runtime.Size{H: 1, W: 1}) {
		return ""
	}
	return letter + shape.Size(s).String()
}
