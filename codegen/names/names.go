// Package names turns the names of a specification into Go identifiers:
// readable, free of collisions, and the same on every run.
package names

import (
	"go/token"
	"go/types"
	"strconv"
	"strings"
	"unicode"
)

// initialisms are written in one case throughout, with a number or without:
// fcBias, outFC, FC1, ID.
var initialisms = map[string]bool{
	"api": true, "cpu": true, "html": true, "http": true, "id": true, "json": true, "ok": true,
	"rgb": true, "url": true, "uuid": true, "xml": true, // Go's own
	"bgr": true, "bn": true, "cnn": true, "fc": true, "gelu": true, "lrn": true, "mlp": true, "se": true, // the field's
}

// Unexported returns the identifier for a label such as "layer1.0.conv1",
// layer1_0Conv1. Whatever cannot stand in an identifier parts words; a label
// that begins with a digit gets prefix in front. The result is an identifier
// but may be a keyword: Scope.Take knows those.
func Unexported(label, prefix string) string { return camel(label, prefix, false) }

// Exported returns the exported identifier for a label: Aux1Logits.
func Exported(label, prefix string) string { return camel(label, prefix, true) }

func camel(label, prefix string, exported bool) string {
	words := strings.FieldsFunc(label, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	if len(words) == 0 || !startsWell(words[0], exported) {
		words = append([]string{prefix}, words...)
	}
	var b strings.Builder
	var last rune
	for i, w := range words {
		switch {
		case i == 0 && !exported:
			w = lowerFirst(w)
		case initialisms[strings.TrimRight(strings.ToLower(w), "0123456789")]:
			w = strings.ToUpper(w)
		default:
			w = upperFirst(w)
		}
		runes := []rune(w)
		if unicode.IsDigit(last) && unicode.IsDigit(runes[0]) {
			b.WriteByte('_')
		}
		b.WriteString(w)
		last = runes[len(runes)-1]
	}
	return b.String()
}

// startsWell reports whether a word may begin an identifier: with a letter, and
// for an exported one with a letter that has an upper case.
func startsWell(word string, exported bool) bool {
	first := []rune(word)[0]
	if exported {
		return unicode.IsUpper(unicode.ToUpper(first))
	}
	return unicode.IsLetter(first) && !unicode.IsUpper(unicode.ToLower(first))
}

func upperFirst(w string) string {
	r := []rune(w)
	r[0] = unicode.ToUpper(r[0])
	return string(r)
}

// lowerFirst lowers the whole run of capitals that a word begins with, save the
// last if it begins a new word: FC becomes fc, BNReLU bnReLU.
func lowerFirst(w string) string {
	r := []rune(w)
	for i := range r {
		if !unicode.IsUpper(r[i]) || i > 0 && i+1 < len(r) && unicode.IsLower(r[i+1]) {
			break
		}
		r[i] = unicode.ToLower(r[i])
	}
	return string(r)
}

// Scope is the set of identifiers taken in a block of Go source. A name taken in
// an enclosing scope is taken in the inner ones, so nothing is ever shadowed.
type Scope struct {
	outer *Scope
	taken map[string]bool
}

// New returns a scope in which nothing but the names of the language is taken.
func New() *Scope { return &Scope{taken: map[string]bool{}} }

// Inner returns a scope within s.
func (s *Scope) Inner() *Scope { return &Scope{outer: s, taken: map[string]bool{}} }

// Reserve marks names as taken.
func (s *Scope) Reserve(names ...string) {
	for _, n := range names {
		s.taken[n] = true
	}
}

// Take returns name if it is free and takes it, otherwise name2, name3 and so
// on, or name_2 where name ends in a digit.
func (s *Scope) Take(name string) string {
	base := name
	if r := []rune(name); len(r) > 0 && unicode.IsDigit(r[len(r)-1]) {
		base += "_"
	}
	for i := 2; s.isTaken(name); i++ {
		name = base + strconv.Itoa(i)
	}
	s.taken[name] = true
	return name
}

func (s *Scope) isTaken(name string) bool {
	if name == "_" || token.IsKeyword(name) || types.Universe.Lookup(name) != nil {
		return true
	}
	for ; s != nil; s = s.outer {
		if s.taken[name] {
			return true
		}
	}
	return false
}
