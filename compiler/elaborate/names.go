package elaborate

import (
	"slices"
	"strconv"
	"strings"

	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/dsl"
	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// scopeLabel is one label on the way to a name.
type scopeLabel struct {
	name  string    // the full name up to and including it
	at    diag.Span // the label
	first diag.Span // where the same scope was opened before, if it was
}

// owner is the value that has a name.
type owner struct {
	id ir.ID
	at diag.Span
	// firm: the name is a key of the checkpoint and cannot change.
	firm bool
}

// label computes a label's text.
func (e *elab) label(s *scope, l *dsl.Label) (string, bool) {
	var b strings.Builder
	for _, p := range l.Parts {
		if p.X == nil {
			b.WriteString(p.Text)
			continue
		}
		switch v := e.expr(s, p.X).(type) {
		case bad:
			return "", false
		case int64:
			b.WriteString(strconv.FormatInt(v, 10))
		case string:
			b.WriteString(v)
		default:
			e.report(errKind(p.X.Span(), "a part of a label", "an int or a string", v))
			return "", false
		}
	}
	text := b.String()
	if !validLabel(text) {
		e.report(errBadLabel(l.Src, text))
		return "", false
	}
	return text, true
}

// validLabel reports whether text is parts of letters, digits, _ and - joined
// by dots. Names reach file formats and emitted code, so nothing else may.
func validLabel(text string) bool {
	return len(text) <= maxName && ir.ValidName(text) && !slices.Contains(strings.Split(text, "."), "")
}

func join(prefix, label string) string {
	if prefix == "" {
		return label
	}
	return prefix + "." + label
}

// pushScope makes f's names start with label.
func (e *elab) pushScope(f *frame, label string, at diag.Span) bool {
	f.prefix = join(f.prefix, label)
	if len(f.prefix) > maxName {
		e.report(errNameTooLong(at))
		return false
	}
	l := scopeLabel{name: f.prefix, at: at, first: e.opened[f.prefix]}
	if _, ok := e.opened[f.prefix]; !ok {
		e.opened[f.prefix] = at
	}
	f.scopes = append(slices.Clip(f.scopes), l)
	return true
}

// completed records what a labelled block call returned. A scope that is opened
// twice is recorded once: its later parts go by the names of their layers.
func (e *elab) completed(f *frame, block string, label *dsl.Label, v value) {
	if label == nil || e.scopes[f.prefix] {
		return
	}
	if l, ok := v.(list); ok && len(l.elems) > 0 {
		v = l.elems[0]
	}
	if t, ok := v.(tensor); ok {
		e.scopes[f.prefix] = true
		e.b.Scope(f.prefix, block, t.id)
	}
}

// claim returns the name for a new value. A firm name is a key prefix of the
// checkpoint: a second one is an error. Others give way, with .2, .3 and so on
// behind them.
func (e *elab) claim(name string, firm bool, at diag.Span) (string, bool) {
	f := e.top()
	name = join(f.prefix, name)
	if len(name) > maxName {
		e.report(errNameTooLong(at))
		return "", false
	}
	old, taken := e.names[name]
	switch {
	case taken && firm && old.firm:
		for _, l := range f.scopes {
			if l.first.Start.IsValid() {
				e.report(errScopeTwice(l.at, l.name, name, l.first))
				return "", false
			}
		}
		e.report(errNameTwice(at, name, old.at))
		return "", false
	case taken && firm:
		other := e.free(name)
		e.b.Rename(old.id, other)
		e.names[other] = old
	case taken:
		name = e.free(name)
	}
	return name, true
}

// made notes that the value just added to the graph has a claimed name.
func (e *elab) made(name string, firm bool, at diag.Span) {
	e.names[name] = owner{id: ir.ID(len(e.used)), at: at, firm: firm}
	e.used = append(e.used, false)
}

// free returns name with the first number behind it that makes it new.
func (e *elab) free(name string) string {
	for n := max(e.repeats[name], 1) + 1; ; n++ {
		numbered := name + "." + strconv.Itoa(n)
		if _, taken := e.names[numbered]; !taken {
			e.repeats[name] = n
			return numbered
		}
	}
}
