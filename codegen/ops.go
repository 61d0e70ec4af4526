package codegen

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/cnnc-dev/cnnc/codegen/names"
	"github.com/cnnc-dev/cnnc/compiler/plan"
	"github.com/cnnc-dev/cnnc/runtime"
)

// op is a description that layers share: a variable of the package.
type op struct {
	name    string
	value   any // a pointer to one of the runtime's descriptions
	literal *jen.Statement
	layers  []string // whose description this is
}

// describeOps finds the distinct descriptions of the plan and names them. A name
// says what is computed and between which sizes; the activation joins in where
// that leaves two alike.
func (e *emitter) describeOps() error {
	count := map[string]int{}
	for i := range e.plan.Steps {
		for _, s := range e.plan.Steps[i].Layers() {
			if s.Op == nil || reflect.TypeOf(s.Op).Kind() != reflect.Pointer {
				return fmt.Errorf("%s: a %T is not a description of the runtime", s.Name, s.Op)
			}
			key := opKey(s.Op)
			o := e.opOf[key]
			if o == nil {
				lit, err := literal(reflect.ValueOf(s.Op).Elem().Interface(), nil)
				if err != nil {
					return fmt.Errorf("%s: %w", s.Name, err)
				}
				o = &op{value: s.Op, literal: lit}
				e.opOf[key] = o
				e.ops = append(e.ops, o)
				count[opName(s.Op)]++
			}
			o.layers = append(o.layers, s.Name)
			for _, n := range s.AllNorms() {
				if _, err := literal(n, nil); err != nil {
					return fmt.Errorf("%s: %w", s.Name, err)
				}
			}
		}
	}
	for _, o := range e.ops {
		name := opName(o.value)
		if act := opAct(o.value); count[name] > 1 && act.Kind != runtime.None {
			name += actName(act)
		}
		o.name = e.top.Take(name)
	}
	return nil
}

// op returns the variable that describes a layer.
func (e *emitter) op(s *plan.Step) *op { return e.opOf[opKey(s.Op)] }

// opKey is equal for equal descriptions.
func opKey(o any) string { return fmt.Sprintf("%#v", reflect.ValueOf(o).Elem().Interface()) }

// packing is how the loader turns a description into a layer.
type packing struct {
	method string // of cnnrt.Loader
	layer  string // the type it returns
	key    bool   // takes the key of the weights
	norms  bool   // takes norms
}

// packingOf returns how an op is packed; the layer is "" for one that runs as it stands.
func packingOf(o any) packing {
	switch o.(type) {
	case *plan.Chain:
		return packing{"Chain", "PackedChain", true, true}
	case *runtime.Conv:
		return packing{"Conv", "PackedConv", true, true}
	case *runtime.Linear:
		return packing{"Linear", "PackedLinear", true, true}
	case *runtime.Affine:
		return packing{"Affine", "PackedAffine", false, true}
	case *runtime.LayerNorm:
		return packing{"LayerNorm", "PackedLayerNorm", true, false}
	case *runtime.GRN:
		return packing{"GRN", "PackedGRN", true, false}
	case *runtime.Pick:
		return packing{"Pick", "PackedPick", false, false}
	}
	return packing{}
}

// dimsOf returns the field of an op that the first of a norm's dims is equal to,
// so that layers of several sizes can share the code that loads them.
func dimsOf(o any, n runtime.Norm) (field string, ok bool) {
	if len(n.Dims) == 0 || n.Before {
		return "", false
	}
	switch o := o.(type) {
	case *runtime.Conv:
		return "Out.C", n.Dims[0] == o.Out.C
	case *runtime.Linear:
		return "Out", n.Dims[0] == o.Out
	case *runtime.Affine:
		return "Shape.C", n.Dims[0] == o.Shape.C
	}
	return "", false
}

// opType returns the name of a description's type: Conv.
func opType(o any) string { return reflect.TypeOf(o).Elem().Name() }

// opAct returns the activation of a description, the zero value if it has none.
func opAct(o any) runtime.Act {
	if f := reflect.ValueOf(o).Elem().FieldByName("Act"); f.IsValid() {
		return f.Interface().(runtime.Act)
	}
	return runtime.Act{}
}

// opName names a description: conv3x3s2Groups32From256To256At28.
func opName(o any) string {
	switch o := o.(type) {
	case *runtime.Conv:
		name := "conv" + by(o.Kernel) + ifNot1("s", o.Stride) + ifNot1("d", o.Dilation)
		switch {
		case o.Groups > 1 && o.Groups == o.In.C:
			name = "depthwise" + strings.TrimPrefix(name, "conv")
		case o.Groups > 1:
			name += fmt.Sprintf("Groups%d", o.Groups)
		case o.Gate:
			name = "gated" + names.Exported(name, "Conv")
		case o.InPool != (runtime.Size{}):
			name = "pooled" + names.Exported(name, "Conv")
		}
		return name + fromTo(o.In.C, o.Out.C) + where(o.Out)
	case *runtime.Linear:
		return "linear" + fromTo(o.In.Len(), o.Out)
	case *runtime.MaxPool:
		return "maxPool" + by(o.Kernel) + ifNot1("s", o.Stride) + ifNot1("d", o.Dilation) + of(o.Out)
	case *runtime.AvgPool:
		return "avgPool" + by(o.Kernel) + ifNot1("s", o.Stride) + of(o.Out)
	case *runtime.AdaptivePool:
		kind := "Avg"
		if o.Max {
			kind = "Max"
		}
		if o.Out.Pixels() == 1 {
			return "global" + kind + "Pool" + of(o.In)
		}
		return "adaptive" + kind + "Pool" + of(o.In) + "To" + spatial(runtime.Size{H: o.Out.H, W: o.Out.W})
	case *runtime.Activation:
		return strings.ToLower(actName(o.Act)) + of(o.Shape)
	case *runtime.Mul:
		if o.Broadcast {
			return "scale" + of(o.Shape)
		}
	case *runtime.Pick:
		if len(o.Channels) <= 6 {
			return "pick" + strings.Trim(strings.ReplaceAll(fmt.Sprint(o.Channels), " ", "_"), "[]") + of(o.In)
		}
		return fmt.Sprintf("pick%d", len(o.Channels)) + of(o.In)
	}
	// The others have one shape: Add, Copy, LRN; Flatten, Pad.
	name := names.Unexported(opType(o), "op")
	for _, field := range []string{"Shape", "In"} {
		if f := reflect.ValueOf(o).Elem().FieldByName(field); f.IsValid() {
			return name + of(f.Interface().(runtime.Shape))
		}
	}
	return name
}

func fromTo(in, out int) string { return fmt.Sprintf("From%dTo%d", in, out) }

// of names a shape: Of256At28, or Of1000 for a vector.
func of(s runtime.Shape) string { return fmt.Sprintf("Of%d", s.C) + where(s) }

func where(s runtime.Shape) string {
	if s.Pixels() == 1 {
		return ""
	}
	return "At" + spatial(runtime.Size{H: s.H, W: s.W})
}

// spatial writes 28 for a square and 28x56 otherwise, by always the two.
func spatial(s runtime.Size) string {
	if s.H == s.W {
		return fmt.Sprint(s.H)
	}
	return by(s)
}

func by(s runtime.Size) string { return fmt.Sprintf("%dx%d", s.H, s.W) }

func ifNot1(letter string, s runtime.Size) string {
	if s == (runtime.Size{H: 1, W: 1}) {
		return ""
	}
	return letter + spatial(s)
}

// gated reports whether an op is a convolution that takes a gate.
func gated(o any) bool {
	c, ok := o.(*runtime.Conv)
	return ok && c.Gate
}

func actName(a runtime.Act) string {
	return constants[reflect.TypeFor[runtime.ActKind]()][a.Kind]
}
