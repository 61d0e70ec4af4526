package ir

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// scanner reads the tokens of one line. After the first error it reads nothing
// more: methods return zeros, and the line seems to have come to its end.
type scanner struct {
	line  string
	rest  string // what is still to be read
	token int    // offset of the last token
	err   error  // about the last token
}

// fail notes an error about the last token, unless there was one before.
func (s *scanner) fail(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf(format, args...)
	}
}

// col returns the column of the last token, counted in characters from 1.
func (s *scanner) col() int { return utf8.RuneCountInString(s.line[:s.token]) + 1 }

// rewind makes the line's first token the last one read.
func (s *scanner) rewind() { s.token = len(s.line) - len(strings.TrimLeft(s.line, blanks)) }

const blanks = " \t\r"

// skip goes to the next token, and returns what is left of the line.
func (s *scanner) skip() string {
	if s.err != nil {
		return ""
	}
	s.rest = strings.TrimLeft(s.rest, blanks)
	s.token = len(s.line) - len(s.rest)
	return s.rest
}

// peek returns the next token's first byte, 0 at the end or before a comment.
func (s *scanner) peek() byte {
	if rest := s.skip(); rest != "" && rest[0] != '#' {
		return rest[0]
	}
	return 0
}

// end demands that nothing but a comment is left.
func (s *scanner) end() {
	if s.peek() != 0 {
		s.fail("unexpected %q", s.rest)
	}
}

func (s *scanner) expect(token string) {
	if !strings.HasPrefix(s.skip(), token) {
		s.fail("want %q", token)
		return
	}
	s.rest = s.rest[len(token):]
}

// bare reads a run, maybe empty, of the bytes that words and numbers have.
func (s *scanner) bare() string {
	rest, n := s.skip(), 0
	for n < len(rest) && (isNameByte(rest[n]) || rest[n] == ',' || rest[n] == '+') {
		n++
	}
	s.rest = rest[n:]
	return rest[:n]
}

func (s *scanner) name() string {
	w := s.bare()
	if !ValidName(w) {
		s.fail("want a name of letters, digits, _ . and -")
	}
	return w
}

func (s *scanner) quoted() string {
	q, err := strconv.QuotedPrefix(s.skip())
	if err != nil || q[0] != '"' {
		s.fail("want a string in double quotes")
		return ""
	}
	text, err := strconv.Unquote(q)
	if err != nil || !utf8.ValidString(text) {
		s.fail("%s is not a string", q)
	}
	s.rest = s.rest[len(q):]
	return text
}

// op reads an operation's name, and returns it with its default attributes.
func (s *scanner) op() (Op, Attr) {
	name := s.name()
	op, ok := OpByName(name)
	if !ok {
		s.fail("unknown operation %q", name)
		return OpInvalid, nil
	}
	if newAttr := op.Info().NewAttr; newAttr != nil {
		return op, newAttr()
	}
	return op, nil
}

// attrs reads key=value pairs into the tagged fields of *ptr, which is nil for
// an operation without attributes, and the list named covers into *covers
// unless that is nil. Of names what is being read.
func (s *scanner) attrs(ptr any, covers *[]string, of string) {
	var known []field
	if ptr != nil {
		known = fields(ptr)
	}
	if covers != nil {
		known = append(known, field{name: "covers", value: reflect.ValueOf(covers).Elem()})
	}
	seen := map[string]bool{}
	for isNameByte(s.peek()) {
		key := s.name()
		i := slices.IndexFunc(known, func(f field) bool { return f.name == key })
		switch {
		case i < 0:
			s.fail("unknown attribute %q of %s, which has %s", key, of, names(known))
			return
		case seen[key]:
			s.fail("attribute %q is given twice", key)
		}
		seen[key] = true
		s.expect("=")
		s.set(known[i].value)
	}
}

func names(known []field) string {
	if len(known) == 0 {
		return "none"
	}
	list := make([]string, len(known))
	for i, f := range known {
		list[i] = f.name
	}
	return strings.Join(list, " ")
}

// set reads one value of v's type into v: a word, a [list] of them, a folded
// operation such as relu or batchnorm{weights=bn1}, or a part of a convolution,
// {weights=conv1 out=16 channels=[0 1 2]}.
func (s *scanner) set(v reflect.Value) {
	switch x := v.Addr().Interface().(type) {
	case *Act:
		*x = folded(s, ActOf, "%v is not an activation")
		return
	case *Norm:
		*x = folded(s, NormOf, "%v cannot be folded")
		return
	case **Norm:
		n := folded(s, NormOf, "%v cannot be folded")
		*x = &n
		return
	case *ConvPart:
		s.expect("{")
		s.attrs(x, nil, "a part")
		s.expect("}")
		return
	}
	switch first := s.peek(); {
	case v.Kind() == reflect.Slice:
		s.list(v)
	case first == '"' && v.Kind() == reflect.String:
		v.SetString(s.quoted())
	default:
		text := s.bare()
		if text == "" {
			s.fail("want a value")
		} else if err := setScalar(v, text); err != nil {
			s.fail("%w", err)
		}
	}
}

func (s *scanner) list(v reflect.Value) {
	s.expect("[")
	for s.err == nil && s.peek() != ']' {
		elem := reflect.New(v.Type().Elem()).Elem()
		s.set(elem)
		v.Set(reflect.Append(v, elem))
	}
	s.expect("]")
}

// folded reads an operation as it stands in an attribute, without arguments,
// and returns it as what as makes of it. If it cannot be that, the error is in
// the words of refusal.
func folded[T any](s *scanner, as func(*Value) (T, bool), refusal string) T {
	s.skip()
	start := s.token
	op, attr := s.op()
	if strings.HasPrefix(s.rest, "{") {
		s.expect("{")
		s.attrs(attr, nil, op.String())
		s.expect("}")
	}
	t, ok := as(&Value{Op: op, Attr: attr})
	if s.err == nil && !ok {
		s.token = start
		s.fail(refusal, op)
	}
	return t
}

var spanPattern = regexp.MustCompile(`^#\s*(?:("(?:[^"\\]|\\.)*"|[A-Za-z0-9_./-]+):)?(\d+):(\d+)-(\d+):(\d+)\s*$`)

// span reads the comment that ends the line, if it is a span.
func (s *scanner) span() diag.Span {
	m := spanPattern.FindStringSubmatch(s.skip())
	if m == nil {
		return diag.Span{}
	}
	file := m[1]
	if strings.HasPrefix(file, `"`) {
		var err error
		if file, err = strconv.Unquote(file); err != nil {
			s.fail("%s is not a string", m[1])
		}
	}
	var n [4]int
	for i, text := range m[2:] {
		var err error
		if n[i], err = strconv.Atoi(text); err != nil {
			s.fail("%s is not a line or column", text)
		}
	}
	return diag.Span{
		Start: diag.Pos{File: file, Line: n[0], Col: n[1]},
		End:   diag.Pos{File: file, Line: n[2], Col: n[3]},
	}
}
