package codegen

import (
	"fmt"
	"reflect"
	"strconv"

	"github.com/dave/jennifer/jen"

	"github.com/cnnc-dev/cnnc/runtime"
)

// constants names the values of the runtime's enumerations.
var constants = map[reflect.Type][]string{
	reflect.TypeFor[runtime.Algo]():     {"Direct", "RowTaps", "Grouped", "Depthwise", "Winograd4x4", "Winograd2x2"},
	reflect.TypeFor[runtime.NormKind](): {"BatchNorm", "LearnedScale", "Constant"},
	reflect.TypeFor[runtime.ActKind](): {"None", "ReLU", "ReLU6", "LeakyReLU", "Sigmoid", "Tanh", "SiLU",
		"HardSigmoid", "HardSwish", "GELU", "GELUTanh"},
}

// literal returns the Go literal of a value of the runtime's types: numbers,
// strings, enumerations, slices of them, and structs of all these, whose zero
// fields are left out. replace gives code for fields that are not written as they
// stand, by name; it may be nil.
func literal(v any, replace map[string]jen.Code) (*jen.Statement, error) {
	return literalOf(reflect.ValueOf(v), replace)
}

func literalOf(v reflect.Value, replace map[string]jen.Code) (*jen.Statement, error) {
	t := v.Type()
	if names, ok := constants[t]; ok {
		i := int(v.Uint())
		if i >= len(names) {
			return nil, fmt.Errorf("%s %d has no name", t, i)
		}
		return jen.Qual(runtimePath, names[i]), nil
	}
	switch t.Kind() {
	case reflect.Int:
		return jen.Lit(int(v.Int())), nil
	case reflect.Bool:
		return jen.Lit(v.Bool()), nil
	case reflect.String:
		return jen.Lit(v.String()), nil
	case reflect.Float32, reflect.Float64:
		return number(v.Float(), t.Bits())
	case reflect.Slice:
		return sliceLiteral(v)
	case reflect.Struct:
		return structLiteral(v, replace)
	}
	return nil, fmt.Errorf("a %s cannot be written as a literal", t)
}

// number writes the shortest decimal that reads back as f. The constant it makes
// is untyped, so that it suits float32 and float64 alike.
func number(f float64, bits int) (*jen.Statement, error) {
	if f-f != 0 {
		return nil, fmt.Errorf("%v cannot be written as a literal", f)
	}
	return jen.Id(strconv.FormatFloat(f, 'g', -1, bits)), nil
}

func sliceLiteral(v reflect.Value) (*jen.Statement, error) {
	elem := v.Type().Elem()
	if elem.Kind() != reflect.Int && elem.Kind() != reflect.Float64 {
		return nil, fmt.Errorf("a %s cannot be written as a literal", v.Type())
	}
	var items braced
	for i := range v.Len() {
		item, err := literalOf(v.Index(i), nil)
		if err != nil {
			return nil, err
		}
		items.add("", item)
	}
	return jen.Index().Id(elem.String()).Add(items.code()), nil
}

func structLiteral(v reflect.Value, replace map[string]jen.Code) (*jen.Statement, error) {
	inside, err := structFields(v, replace)
	if err != nil {
		return nil, err
	}
	return jen.Qual(runtimePath, v.Type().Name()).Add(inside), nil
}

// structFields is the literal of a struct without its type.
func structFields(v reflect.Value, replace map[string]jen.Code) (*jen.Statement, error) {
	t := v.Type()
	var fields braced
	for i := range t.NumField() {
		name := t.Field(i).Name
		code, given := replace[name]
		if !given {
			if v.Field(i).IsZero() {
				continue
			}
			var err error
			if code, err = literalOf(v.Field(i), nil); err != nil {
				return nil, fmt.Errorf("%s.%s: %w", t.Name(), name, err)
			}
		}
		fields.add(name, code)
	}
	return fields.code(), nil
}

// braced is the inside of a literal: on one line if it fits, else on several.
type braced struct {
	lines []jen.Code
	line  []jen.Code
	width int // of line
}

// add appends an element, under the name of its field if it has one.
func (b *braced) add(field string, value jen.Code) {
	const width = 90
	w := len(field) + len(fmt.Sprintf("%#v", value)) + len(": , ")
	if b.width > 0 && b.width+w > width {
		b.lines = append(b.lines, jen.List(b.line...))
		b.line, b.width = nil, 0
	}
	b.width += w
	if field != "" {
		value = jen.Id(field).Op(":").Add(value)
	}
	b.line = append(b.line, value)
}

// code returns the elements between their braces.
func (b *braced) code() *jen.Statement {
	if len(b.lines) == 0 {
		return jen.Values(b.line...)
	}
	return jen.Custom(jen.Options{Open: "{", Close: "}", Separator: ",", Multi: true},
		append(b.lines, jen.List(b.line...))...)
}

// constantName names a value of one of the runtime's enumerations.
func constantName(k runtime.NormKind) string {
	return constants[reflect.TypeFor[runtime.NormKind]()][k]
}
