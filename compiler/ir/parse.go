package ir

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// ParseError is a mistake in IR text.
type ParseError struct {
	Line, Col int // from 1; Col counts characters
	Err       error
}

func (e *ParseError) Error() string { return fmt.Sprintf("%d:%d: %v", e.Line, e.Col, e.Err) }
func (e *ParseError) Unwrap() error { return e.Err }

// Parse reads what Print writes, and returns a verified graph. Written by
// hand, a value's shape may be left out, inputs excepted: the rule gives it. A
// comment that is no span is ignored. Errors are *ParseErrors, but for those
// that concern the whole graph.
func Parse(text string) (*Graph, error) {
	var p parser
	for i, line := range strings.Split(text, "\n") {
		s := scanner{line: line, rest: line}
		if err := p.line(&s); err != nil {
			return nil, &ParseError{Line: i + 1, Col: s.col(), Err: err}
		}
	}
	if p.b == nil {
		return nil, &ParseError{Line: 1, Col: 1, Err: errors.New("want graph NAME")}
	}
	return p.b.Graph()
}

// parser is the state between lines.
type parser struct {
	b   *Builder // nil before the graph line
	ids map[string]ID
}

func (p *parser) line(s *scanner) error {
	if s.atEnd() {
		return nil
	}
	if s.peek() == '%' {
		return p.value(s)
	}
	keyword, err := s.name()
	if err != nil {
		return err
	}
	if (keyword == "graph") != (p.b == nil) {
		return errors.New("want one graph line, before all others")
	}
	switch keyword {
	case "graph":
		return p.graph(s)
	case "preprocess":
		if p.b.g.Preprocess != nil {
			return errors.New("preprocess is given twice")
		}
		p.b.g.Preprocess = new(Preprocess)
		if err := s.attrs(p.b.g.Preprocess, nil, "preprocess"); err != nil {
			return err
		}
	case "label":
		l, err := s.quoted()
		if err != nil {
			return err
		}
		p.b.g.Labels = append(p.b.g.Labels, l)
	case "output", "scope":
		name, err := s.name()
		if err != nil {
			return err
		}
		if err := s.expect("="); err != nil {
			return err
		}
		block := ""
		if keyword == "scope" && s.peek() != '%' {
			if block, err = s.name(); err != nil {
				return err
			}
		}
		id, err := p.ref(s)
		if err != nil {
			return err
		}
		if keyword == "output" {
			p.b.Output(name, id)
		} else {
			p.b.Scope(name, block, id)
		}
	default:
		return fmt.Errorf("unknown keyword %q: want graph, preprocess, label, output, scope or a value %%name", keyword)
	}
	return s.end()
}

func (p *parser) graph(s *scanner) error {
	name, err := s.name()
	if err != nil {
		return err
	}
	p.b, p.ids = NewBuilder(name), map[string]ID{}
	if s.peek() == '"' {
		if p.b.g.Source, err = s.quoted(); err != nil {
			return err
		}
	}
	return s.end()
}

// value reads %name = op %arg... attr=value... : shape # span.
func (p *parser) value(s *scanner) error {
	if p.b == nil {
		return errors.New("want one graph line, before all others")
	}
	v := &Value{}
	var err error
	if err = s.expect("%"); err != nil {
		return err
	}
	if v.Name, err = s.name(); err != nil {
		return err
	}
	if err = s.expect("="); err != nil {
		return err
	}
	if v.Op, err = s.op(); err != nil {
		return err
	}
	for s.peek() == '%' {
		id, err := p.ref(s)
		if err != nil {
			return err
		}
		v.Args = append(v.Args, id)
	}
	if newAttr := v.Op.Info().NewAttr; newAttr != nil {
		v.Attr = newAttr()
	}
	if err = s.attrs(v.Attr, &v.Covers, v.Op.String()); err != nil {
		return err
	}
	if s.peek() == ':' {
		if err := s.expect(":"); err != nil {
			return err
		}
		if err := s.value(reflect.ValueOf(&v.Shape).Elem()); err != nil {
			return err
		}
	}
	if v.Span, err = s.span(); err != nil {
		return err
	}
	if err := s.end(); err != nil {
		return err
	}
	s.rewind()
	stated := v.Shape
	id, err := p.b.add(v)
	if err != nil {
		return err
	}
	if stated != nil && !stated.Equal(v.Shape) {
		return fmt.Errorf("%%%s: the shape is %v by the rule of %v, not %v", v.Name, v.Shape, v.Op, stated)
	}
	p.ids[v.Name] = id
	return nil
}

// ref reads %name, a value defined before.
func (p *parser) ref(s *scanner) (ID, error) {
	if err := s.expect("%"); err != nil {
		return 0, err
	}
	name, err := s.name()
	if err != nil {
		return 0, err
	}
	id, ok := p.ids[name]
	if !ok {
		return 0, fmt.Errorf("%%%s is not defined above", name)
	}
	return id, nil
}

// scanner reads the tokens of one line.
type scanner struct {
	line  string
	rest  string // what is still to be read
	token int    // offset of the last token, for the error's column
}

// col returns the column of the last token, counted in characters from 1.
func (s *scanner) col() int { return utf8.RuneCountInString(s.line[:s.token]) + 1 }

// rewind makes errors point at the line's first token.
func (s *scanner) rewind() { s.token = len(s.line) - len(strings.TrimLeft(s.line, " \t\r")) }

// peek skips blanks and returns the next byte; 0 at the end or before a comment.
func (s *scanner) peek() byte {
	s.rest = strings.TrimLeft(s.rest, " \t\r")
	s.token = len(s.line) - len(s.rest)
	if s.rest == "" || s.rest[0] == '#' {
		return 0
	}
	return s.rest[0]
}

func (s *scanner) atEnd() bool { return s.peek() == 0 }

// end reports whatever still stands on the line.
func (s *scanner) end() error {
	if !s.atEnd() {
		return fmt.Errorf("unexpected %q", s.rest)
	}
	return nil
}

func (s *scanner) expect(token string) error {
	s.peek()
	if !strings.HasPrefix(s.rest, token) {
		return fmt.Errorf("want %q", token)
	}
	s.rest = s.rest[len(token):]
	return nil
}

// bare reads a run of the bytes that words and numbers are made of.
func (s *scanner) bare() string {
	s.peek()
	n := 0
	for n < len(s.rest) && (isNameByte(s.rest[n]) || s.rest[n] == ',' || s.rest[n] == '+') {
		n++
	}
	word := s.rest[:n]
	s.rest = s.rest[n:]
	return word
}

func (s *scanner) name() (string, error) {
	w := s.bare()
	if !ValidName(w) {
		return "", errors.New("want a name of letters, digits, _ . and -")
	}
	return w, nil
}

func (s *scanner) quoted() (string, error) {
	s.peek()
	q, err := strconv.QuotedPrefix(s.rest)
	if err != nil || q[0] != '"' {
		return "", errors.New("want a string in double quotes")
	}
	s.rest = s.rest[len(q):]
	text, err := strconv.Unquote(q)
	if err != nil || !utf8.ValidString(text) {
		return "", fmt.Errorf("%s is not a string", q)
	}
	return text, nil
}

func (s *scanner) op() (Op, error) {
	name, err := s.name()
	if err != nil {
		return 0, err
	}
	op, ok := OpByName(name)
	if !ok {
		return 0, fmt.Errorf("unknown operation %q", name)
	}
	return op, nil
}

// attrs reads key=value pairs into the tagged fields of *ptr, which is nil for
// an operation without attributes, and the list named covers into *covers
// unless that is nil. Of names what is being read.
func (s *scanner) attrs(ptr any, covers *[]string, of string) error {
	var known []field
	if ptr != nil {
		known = fields(ptr)
	}
	if covers != nil {
		known = append(known, field{name: "covers", value: reflect.ValueOf(covers).Elem()})
	}
	seen := map[string]bool{}
	for isNameByte(s.peek()) {
		key, err := s.name()
		if err != nil {
			return err
		}
		if seen[key] {
			return fmt.Errorf("attribute %q is given twice", key)
		}
		seen[key] = true
		i := slices.IndexFunc(known, func(f field) bool { return f.name == key })
		if i < 0 {
			return fmt.Errorf("unknown attribute %q of %s%s", key, of, knownNames(known))
		}
		if err := s.expect("="); err != nil {
			return err
		}
		if err := s.value(known[i].value); err != nil {
			return err
		}
	}
	return nil
}

func knownNames(known []field) string {
	if len(known) == 0 {
		return ", which has none"
	}
	names := make([]string, len(known))
	for i, f := range known {
		names[i] = f.name
	}
	return ", which has " + strings.Join(names, " ")
}

// value reads one value of v's type into v: a word, a [list] of them, or a
// folded operation such as relu or batchnorm{weights=bn1}.
func (s *scanner) value(v reflect.Value) error {
	switch x := v.Addr().Interface().(type) {
	case *Act:
		op, attr, err := s.folded()
		if err != nil {
			return err
		}
		act, ok := ActOf(&Value{Op: op, Attr: attr})
		if !ok {
			return fmt.Errorf("%v is not an activation", op)
		}
		*x = act
		return nil
	case **Norm:
		*x = new(Norm)
		return s.value(reflect.ValueOf(*x).Elem())
	case *Norm:
		op, attr, err := s.folded()
		if err != nil {
			return err
		}
		norm, ok := NormOf(&Value{Op: op, Attr: attr})
		if !ok {
			return fmt.Errorf("%v cannot be folded", op)
		}
		*x = norm
		return nil
	}
	if v.Kind() == reflect.Slice {
		return s.list(v)
	}
	var text string
	if s.peek() == '"' && v.Kind() == reflect.String {
		var err error
		if text, err = s.quoted(); err != nil {
			return err
		}
	} else if text = s.bare(); text == "" {
		return errors.New("want a value")
	}
	return setScalar(v, text)
}

func (s *scanner) list(v reflect.Value) error {
	if err := s.expect("["); err != nil {
		return err
	}
	for s.peek() != ']' {
		elem := reflect.New(v.Type().Elem()).Elem()
		if err := s.value(elem); err != nil {
			return err
		}
		v.Set(reflect.Append(v, elem))
	}
	return s.expect("]")
}

// folded reads an operation as it stands in an attribute, without arguments.
// Errors that follow point at its name.
func (s *scanner) folded() (Op, Attr, error) {
	s.peek()
	start := s.token
	op, err := s.op()
	if err != nil {
		return 0, nil, err
	}
	var attr Attr
	if newAttr := op.Info().NewAttr; newAttr != nil {
		attr = newAttr()
	}
	if !strings.HasPrefix(s.rest, "{") {
		return op, attr, nil
	}
	if err := s.expect("{"); err != nil {
		return 0, nil, err
	}
	if err := s.attrs(attr, nil, op.String()); err != nil {
		return 0, nil, err
	}
	if err := s.expect("}"); err != nil {
		return 0, nil, err
	}
	s.token = start
	return op, attr, nil
}

var spanPattern = regexp.MustCompile(`^#\s*(?:("(?:[^"\\]|\\.)*"|[A-Za-z0-9_./-]+):)?(\d+):(\d+)-(\d+):(\d+)\s*$`)

// span reads the comment that ends the line, if it is a span.
func (s *scanner) span() (diag.Span, error) {
	s.peek()
	m := spanPattern.FindStringSubmatch(s.rest)
	if m == nil {
		return diag.Span{}, nil
	}
	file := m[1]
	if strings.HasPrefix(file, `"`) {
		var err error
		if file, err = strconv.Unquote(file); err != nil {
			return diag.Span{}, fmt.Errorf("%s is not a string", m[1])
		}
	}
	var n [4]int
	for i, text := range m[2:] {
		var err error
		if n[i], err = strconv.Atoi(text); err != nil {
			return diag.Span{}, fmt.Errorf("%s is not a line or column", text)
		}
	}
	return diag.Span{
		Start: diag.Pos{File: file, Line: n[0], Col: n[1]},
		End:   diag.Pos{File: file, Line: n[2], Col: n[3]},
	}, nil
}
