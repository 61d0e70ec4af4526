package ir

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/cnnc-dev/cnnc/compiler/shape"
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
