package ir

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"unicode/utf8"

	"github.com/cnnc-dev/cnnc/compiler/shape"
	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// check checks a value by itself, given all values before it, and returns the
// shape that its rule infers. Errors do not name the value.
func check(before []*Value, v *Value) (shape.Shape, error) {
	if !ValidName(v.Name) {
		return nil, fmt.Errorf("%q is not a name: use letters, digits, _ . and -", v.Name)
	}
	if v.Op == OpInvalid || v.Op >= numOps {
		return nil, fmt.Errorf("operation %d does not exist", v.Op)
	}
	info := v.Op.Info()
	if n := len(v.Args); n < info.MinArgs || (info.MaxArgs >= 0 && n > info.MaxArgs) {
		return nil, fmt.Errorf("%v takes %s, not %d", v.Op, arity(info), n)
	}
	args := make([]shape.Shape, len(v.Args))
	for i, a := range v.Args {
		if a < 0 || int(a) >= len(before) {
			return nil, fmt.Errorf("argument %d is value %d, which does not come before it", i+1, a)
		}
		args[i] = before[a].Shape
		if n := len(args[i]); n != 1 && n != 3 {
			return nil, fmt.Errorf("argument %d has shape %v", i+1, args[i]) // reported where it is defined
		}
	}
	if err := checkSpan(v.Span); err != nil {
		return nil, err
	}
	if len(v.Covers) > 0 && !slices.Contains(v.Covers, v.Name) {
		return nil, fmt.Errorf("covers %v, not itself", v.Covers)
	}
	for _, c := range v.Covers {
		if !ValidName(c) {
			return nil, fmt.Errorf("covers %q, which is not a name", c)
		}
	}
	if err := checkAttrType(v, info); err != nil {
		return nil, err
	}
	if v.Op == OpInput {
		return shape.New(v.Shape...)
	}
	s, err := info.Shape(v.Attr, args)
	if err != nil {
		return nil, err
	}
	return s, checkFused(v, args, s)
}

func arity(info *Info) string {
	switch {
	case info.MaxArgs < 0:
		return fmt.Sprintf("%d or more arguments", info.MinArgs)
	case info.MaxArgs == 1 && info.MinArgs == 1:
		return "1 argument"
	case info.MinArgs == info.MaxArgs:
		return fmt.Sprintf("%d arguments", info.MinArgs)
	default:
		return fmt.Sprintf("%d to %d arguments", info.MinArgs, info.MaxArgs)
	}
}

func checkSpan(s diag.Span) error {
	ok := s == diag.Span{} ||
		s.Start.File == s.End.File && s.Start.Line > 0 && s.Start.Col > 0 && s.End.Col > 0 &&
			(s.End.Line > s.Start.Line || s.End.Line == s.Start.Line && s.End.Col >= s.Start.Col)
	if !ok || !utf8.ValidString(s.Start.File) {
		return fmt.Errorf("span %q %d:%d to %q %d:%d is no stretch of a file",
			s.Start.File, s.Start.Line, s.Start.Col, s.End.File, s.End.Line, s.End.Col)
	}
	return nil
}

func checkAttrType(v *Value, info *Info) error {
	if info.NewAttr == nil {
		if v.Attr != nil {
			return fmt.Errorf("%v has no attributes, this one has %T", v.Op, v.Attr)
		}
		return nil
	}
	if want := reflect.TypeOf(info.NewAttr()); reflect.TypeOf(v.Attr) != want || reflect.ValueOf(v.Attr).IsNil() {
		return fmt.Errorf("%v needs attributes of type %v, not %T", v.Op, want, v.Attr)
	}
	if name, ok := finite(v.Attr); !ok {
		return fmt.Errorf("attribute %s is not finite", name)
	}
	return nil
}

// checkFused checks what the shape rule does not see: checkpoint keys and the
// fields that passes set. out is the result's shape.
func checkFused(v *Value, args []shape.Shape, out shape.Shape) error {
	switch a := v.Attr.(type) {
	case *Conv:
		var in []Norm
		if a.InNorm != nil {
			in = []Norm{*a.InNorm}
		}
		if len(a.Before) > 0 && a.Pad != (shape.Padding{}) {
			return errors.New("before: cannot be folded into a padded convolution")
		}
		if a.Matrix && (a.Kernel != shape.Square(1) || a.Groups != 1) {
			return errors.New("matrix: only a 1x1 convolution of one group has a linear layer's weights")
		}
		if a.Pools() && !a.CanPool(args[0].Channels()) {
			return errors.New("inpool: only a pointwise convolution pools its input, which is clamped first at most, and a depthwise one of one tap its input as it is")
		}
		return cmp.Or(
			checkWeights(a, args[0]),
			checkNorms("innorm", in, args[0]),
			checkAct("inact", a.InAct),
			checkNorms("before", a.Before, args[0]),
			checkNorms("after", a.After, out),
			checkOperands(a.Gate, a.Residual, args, out),
			checkAct("act", a.Act))
	case *Linear:
		return cmp.Or(
			checkKey(a.Weights),
			checkNorms("before", a.Before, shape.Shape{args[0].Elems()}),
			checkNorms("after", a.After, out),
			checkOperands(false, a.Residual, args, out),
			checkAct("act", a.Act))
	case *BatchNorm:
		return cmp.Or(checkKey(a.Weights), checkAct("act", a.Act))
	case *LayerNorm:
		if a.Affine {
			return checkKey(a.Weights)
		}
	case *GRN:
		return checkKey(a.Weights)
	case *Scale:
		return checkKey(a.Weights)
	case *Sum:
		return checkAct("act", a.Act)
	}
	return nil
}

// checkWeights checks the key of a convolution's weights, or its parts.
func checkWeights(a *Conv, in shape.Shape) error {
	if len(a.Parts) == 0 {
		return checkKey(a.Weights)
	}
	if a.Weights != "" || a.Matrix || a.Groups != 1 {
		return errors.New("parts: a convolution of parts has one group, no weights of its own and no matrix")
	}
	out := 0
	for _, p := range a.Parts {
		if err := checkKey(p.Weights); err != nil {
			return fmt.Errorf("parts: %w", err)
		}
		if p.Channels != nil {
			if _, err := shape.Pick(in, p.Channels); err != nil {
				return fmt.Errorf("parts: %w", err)
			}
		}
		if sorted := slices.Sorted(slices.Values(p.Channels)); len(slices.Compact(sorted)) < len(p.Channels) {
			return fmt.Errorf("parts: channels %v are not all different", p.Channels)
		}
		if p.Out < 1 || p.Out > a.Out-out {
			return fmt.Errorf("parts: %d outputs after %d are not some of %d", p.Out, out, a.Out)
		}
		if err := checkNorms("parts", p.After, shape.Shape{p.Out, 1, 1}); err != nil {
			return err
		}
		out += p.Out
	}
	if out != a.Out {
		return fmt.Errorf("parts: have %d outputs together, the convolution has %d", out, a.Out)
	}
	return nil
}

func checkKey(weights string) error {
	if weights == "" || !utf8.ValidString(weights) {
		return fmt.Errorf("weights: %q is not a checkpoint key", weights)
	}
	return nil
}

// checkOperands checks the arguments after the first: a gate, then a residual.
func checkOperands(gate, residual bool, args []shape.Shape, out shape.Shape) error {
	want := 1
	if gate {
		want++
	}
	if residual {
		want++
	}
	if len(args) != want {
		return fmt.Errorf("gate=%v and residual=%v with %d arguments: each takes one after the first", gate, residual, len(args))
	}
	if in := args[0].Channels(); gate && !args[1].Equal(shape.Shape{in, 1, 1}) {
		return fmt.Errorf("gate: the second argument is %v, a factor a channel of the input is %v", args[1], shape.Shape{in, 1, 1})
	}
	if last := args[len(args)-1]; residual && !last.Equal(out) {
		return fmt.Errorf("residual: the last argument is %v, the result %v", last, out)
	}
	return nil
}

// checkNorms checks each norm of an attribute as the operation that it was, on
// an input of shape in.
func checkNorms(attr string, norms []Norm, in shape.Shape) error {
	for _, n := range norms {
		a := n.Attr()
		if a == nil {
			return fmt.Errorf("%s: %v cannot be folded", attr, n.Op)
		}
		if err := checkFolded(n.Op, a, in); err != nil {
			return fmt.Errorf("%s: %w", attr, err)
		}
	}
	return nil
}

// checkAct checks an attribute that is an activation or none.
func checkAct(attr string, a Act) error {
	if a == (Act{}) {
		return nil
	}
	if !a.Op.Info().Activation {
		return fmt.Errorf("%s: %v is not an activation", attr, a.Op)
	}
	if a.Attr() == nil && a.Slope != 0 {
		return fmt.Errorf("%s: %v has no slope", attr, a.Op)
	}
	if err := checkFolded(a.Op, a.Attr(), shape.Shape{1}); err != nil {
		return fmt.Errorf("%s: %w", attr, err)
	}
	return nil
}

// checkFolded checks an operation that has been folded into another.
func checkFolded(op Op, a Attr, in shape.Shape) error {
	_, err := check([]*Value{{Shape: in}}, &Value{Name: "folded", Op: op, Attr: a, Args: []ID{0}})
	return err
}
