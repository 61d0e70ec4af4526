package ir

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/cnnc-dev/cnnc/compiler/shape"
)

// field is one printed field of an attribute struct: its name and default from
// the tag `ir:"name,default=value"`, and its value.
type field struct {
	name     string
	fallback string // the default in text, "" for the type's zero
	value    reflect.Value
}

// fields lists the tagged fields of *ptr in order; they can be set.
func fields(ptr any) []field {
	s := reflect.ValueOf(ptr).Elem()
	var fs []field
	for i := range s.NumField() {
		tag, ok := s.Type().Field(i).Tag.Lookup("ir")
		if !ok {
			continue
		}
		name, def, _ := strings.Cut(tag, ",default=")
		fs = append(fs, field{name, def, s.Field(i)})
	}
	return fs
}

// setDefaults sets every field of *ptr that its tag gives a default.
func setDefaults(ptr any) {
	for _, f := range fields(ptr) {
		if f.fallback == "" {
			continue
		}
		if err := setScalar(f.value, f.fallback); err != nil {
			panic(fmt.Sprintf("ir: default of %T %s: %v", ptr, f.name, err))
		}
	}
}

// isDefault reports whether f has its default; empty lists and nil are alike.
func (f field) isDefault() bool {
	if f.value.Kind() == reflect.Slice {
		return f.value.Len() == 0
	}
	def := reflect.New(f.value.Type()).Elem()
	if f.fallback != "" {
		if err := setScalar(def, f.fallback); err != nil {
			return false
		}
	}
	return f.value.Equal(def)
}

// setScalar parses text into v. A string is taken as it is.
func setScalar(v reflect.Value, text string) error {
	switch p := v.Addr().Interface().(type) {
	case *int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%q is not an integer", text)
		}
		*p = n
	case *float64:
		x, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Errorf("%q is not a finite number", text)
		}
		*p = x
	case *bool:
		if text != "true" && text != "false" {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		*p = text == "true"
	case *string:
		*p = text
	case *shape.Size:
		n, err := splitInts(text, "x", 1, 2)
		if err != nil {
			return fmt.Errorf("%q is not a size such as 3 or 1x7", text)
		}
		*p = shape.Size{H: n[0], W: n[len(n)-1]}
	case *shape.Padding:
		if n, err := splitInts(text, ",", 4, 4); err == nil {
			*p = shape.Padding{Top: n[0], Left: n[1], Bottom: n[2], Right: n[3]}
			return nil
		}
		n, err := splitInts(text, "x", 1, 2)
		if err != nil {
			return fmt.Errorf("%q is not a padding such as 1, 0x3 or 0,1,2,1", text)
		}
		h, w := n[0], n[len(n)-1]
		*p = shape.Padding{Top: h, Left: w, Bottom: h, Right: w}
	default:
		return fmt.Errorf("a %s is not written as one word", v.Type())
	}
	return nil
}

// splitInts parses between least and most integers with sep between them.
func splitInts(text, sep string, least, most int) ([]int, error) {
	parts := strings.Split(text, sep)
	if len(parts) < least || len(parts) > most {
		return nil, strconv.ErrSyntax
	}
	ns := make([]int, len(parts))
	for i, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil {
			return nil, err
		}
		ns[i] = n
	}
	return ns, nil
}

// scalarText is setScalar's inverse; strings are quoted unless they are names.
func scalarText(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case float64:
		return strconv.FormatFloat(x, 'g', -1, 64)
	case string:
		return word(x)
	default:
		return fmt.Sprint(x)
	}
}

// word returns s bare if it is a name, else quoted.
func word(s string) string {
	if ValidName(s) {
		return s
	}
	return strconv.Quote(s)
}

// finite reports whether every number in the tagged fields of *ptr is finite,
// and else the name of the field that isn't.
func finite(ptr any) (string, bool) {
	for _, f := range fields(ptr) {
		switch x := f.value.Interface().(type) {
		case float64:
			if math.IsNaN(x) || math.IsInf(x, 0) {
				return f.name, false
			}
		case []float64:
			for _, e := range x {
				if math.IsNaN(e) || math.IsInf(e, 0) {
					return f.name, false
				}
			}
		}
	}
	return "", true
}
