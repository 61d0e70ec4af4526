package ir

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"unicode/utf8"

	"github.com/cnnc-dev/cnnc/compiler/shape"
	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// ValidName reports whether s may name a graph, value, output or scope:
// one or more of A-Z a-z 0-9 _ . and -.
func ValidName(s string) bool {
	for i := range len(s) {
		if !isNameByte(s[i]) {
			return false
		}
	}
	return s != ""
}

func isNameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '.' || c == '-'
}

// Verify checks everything that a reader of g may assume: dense IDs in
// topological order, known operations of the right arity and attributes,
// shapes that follow by the rules, unique names, one shape a checkpoint key,
// outputs and scopes that exist, consistent fused attributes. It returns every
// violation found, joined; each names its value.
func Verify(g *Graph) error {
	var errs []error
	report := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	if !ValidName(g.Name) {
		report("graph: %q is not a name", g.Name)
	}
	if !utf8.ValidString(g.Source) {
		report("graph: source %q is not UTF-8", g.Source)
	}
	names := map[string]bool{}
	params := map[string]Param{}
	for i, v := range g.Values {
		if v == nil {
			report("value %d: is nil", i)
			return errors.Join(errs...) // nothing below holds
		}
		if v.ID != ID(i) {
			report("%%%s: has ID %d at index %d", v.Name, v.ID, i)
		}
		if names[v.Name] {
			report("%%%s: another value has this name", v.Name)
		}
		names[v.Name] = true
		s, err := check(g.Values[:i], v)
		if err != nil {
			report("%%%s: %w", v.Name, err)
			continue
		}
		if !v.Shape.Equal(s) {
			report("%%%s: its shape is %v, by the rule of %v it would be %v", v.Name, v.Shape, v.Op, s)
			continue
		}
		for _, p := range v.Params(g) {
			if q, ok := params[p.Key]; ok && (!slices.Equal(q.Shape, p.Shape) || q.Buffer != p.Buffer) {
				report("%%%s: needs %q of shape %v, another value needs it of shape %v", v.Name, p.Key, p.Shape, q.Shape)
			}
			params[p.Key] = p
		}
	}

	if len(g.Outputs) == 0 {
		report("graph: has no output")
	}
	outputs := map[string]bool{}
	for _, o := range g.Outputs {
		if err := checkRef(g, o.Name, o.Value, outputs); err != nil {
			report("output %s: %w", o.Name, err)
		}
	}
	scopes := map[string]bool{}
	for _, s := range g.Scopes {
		if err := checkRef(g, s.Name, s.Value, scopes); err != nil {
			report("scope %s: %w", s.Name, err)
		}
		if s.Block != "" && !ValidName(s.Block) {
			report("scope %s: its block %q is not a name", s.Name, s.Block)
		}
	}
	if g.Preprocess != nil {
		if err := g.Preprocess.check(); err != nil {
			report("preprocess: %w", err)
		}
	}
	for i, l := range g.Labels {
		if !utf8.ValidString(l) {
			report("label %d: %q is not UTF-8", i, l)
		}
	}
	return errors.Join(errs...)
}

// checkRef checks an output's or a scope's name and value; seen holds the
// names before it.
func checkRef(g *Graph, name string, id ID, seen map[string]bool) error {
	if !ValidName(name) {
		return fmt.Errorf("%q is not a name", name)
	}
	if seen[name] {
		return errors.New("the name is taken")
	}
	seen[name] = true
	if id < 0 || int(id) >= len(g.Values) {
		return fmt.Errorf("value %d does not exist", id)
	}
	return nil
}

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

// checkFused checks what the shape rule does not see: the fields that passes
// set, and the checkpoint keys. out is the result's shape.
func checkFused(v *Value, args []shape.Shape, out shape.Shape) error {
	act, residual := Act{}, false
	switch a := v.Attr.(type) {
	case *Conv:
		act, residual = a.Act, a.Residual
		if err := checkKey(a.Weights); err != nil {
			return err
		}
		if len(a.Before) > 0 && a.Pad != (shape.Padding{}) {
			return errors.New("before: cannot be folded into a padded convolution")
		}
		if a.InNorm != nil {
			if err := a.InNorm.check(args[0]); err != nil {
				return fmt.Errorf("innorm: %w", err)
			}
		}
		if err := a.InAct.check(); err != nil {
			return fmt.Errorf("inact: %w", err)
		}
		if err := checkNorms(a.Before, args[0], a.After, out); err != nil {
			return err
		}
	case *Linear:
		act, residual = a.Act, a.Residual
		if err := checkKey(a.Weights); err != nil {
			return err
		}
		if err := checkNorms(a.Before, shape.Shape{args[0].Elems()}, a.After, out); err != nil {
			return err
		}
	case *BatchNorm:
		act = a.Act
		if err := checkKey(a.Weights); err != nil {
			return err
		}
	case *LayerNorm:
		if a.Affine {
			return checkKey(a.Weights)
		}
	case *Scale:
		return checkKey(a.Weights)
	case *Sum:
		act = a.Act
	default:
		return nil
	}
	if err := act.check(); err != nil {
		return fmt.Errorf("act: %w", err)
	}
	if v.Op == OpConv || v.Op == OpLinear {
		if residual != (len(args) == 2) {
			return fmt.Errorf("residual=%v with %d arguments: a second argument and residual go together", residual, len(args))
		}
		if residual && !args[1].Equal(out) {
			return fmt.Errorf("residual: the last argument is %v, the result %v", args[1], out)
		}
	}
	return nil
}

func checkKey(weights string) error {
	if weights == "" || !utf8.ValidString(weights) {
		return fmt.Errorf("weights: %q is not a checkpoint key", weights)
	}
	return nil
}

func checkNorms(before []Norm, in shape.Shape, after []Norm, out shape.Shape) error {
	for _, n := range before {
		if err := n.check(in); err != nil {
			return fmt.Errorf("before: %w", err)
		}
	}
	for _, n := range after {
		if err := n.check(out); err != nil {
			return fmt.Errorf("after: %w", err)
		}
	}
	return nil
}

// check checks n as the operation that it was, on an input of shape in.
func (n Norm) check(in shape.Shape) error {
	a := n.Attr()
	if a == nil {
		return fmt.Errorf("%v cannot be folded", n.Op)
	}
	_, err := check([]*Value{{Shape: in}}, &Value{Name: "norm", Op: n.Op, Attr: a, Args: []ID{0}})
	return err
}

func (a Act) check() error {
	if a == (Act{}) {
		return nil
	}
	if !a.Op.Info().Activation {
		return fmt.Errorf("%v is not an activation", a.Op)
	}
	if a.Attr() == nil && a.Slope != 0 {
		return fmt.Errorf("%v has no slope", a.Op)
	}
	_, err := check([]*Value{{Shape: shape.Shape{1}}}, &Value{Name: "act", Op: a.Op, Attr: a.Attr(), Args: []ID{0}})
	return err
}

// check reports a field that no preprocessing can follow.
func (p *Preprocess) check() error {
	channels := map[string]int{"rgb": 3, "bgr": 3, "gray": 1}[p.Channels]
	switch {
	case channels == 0:
		return fmt.Errorf(`channels is %q, not "rgb", "bgr" or "gray"`, p.Channels)
	case !slices.Contains([]string{"bilinear", "bicubic", "nearest", "box", "lanczos"}, p.Filter):
		return fmt.Errorf(`filter is %q, not "bilinear", "bicubic", "nearest", "box" or "lanczos"`, p.Filter)
	case p.Resize < 1 || p.Resize > shape.MaxAxis:
		return fmt.Errorf("resize is %d", p.Resize)
	case min(p.Crop.H, p.Crop.W) < 1 || max(p.Crop.H, p.Crop.W) > shape.MaxAxis:
		return fmt.Errorf("crop is %v", p.Crop)
	case len(p.Mean) != channels || len(p.Std) != channels:
		return fmt.Errorf("mean has %d entries and std %d for %d channels", len(p.Mean), len(p.Std), channels)
	case slices.Contains(p.Std, 0):
		return errors.New("std has a zero")
	}
	if name, ok := finite(p); !ok {
		return fmt.Errorf("%s is not finite", name)
	}
	return nil
}
