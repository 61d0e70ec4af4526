package dsl

import (
	"fmt"

	"github.com/alecthomas/participle/v2/lexer"
)

// replacement is what a spelling of another language becomes, so that one error
// is given for it and parsing goes on.
type replacement struct {
	typ       lexer.TokenType
	value     string // "" drops the token
	why, help string
}

var foreignSpellings = map[string]replacement{
	"=>": {tokPunct, "->", "a pipe is written ->", "write x -> f for x => f"},
	"|>": {tokPunct, "->", "a pipe is written ->", "write x -> f for x |> f"},
	"&&": {tokOp, "and", "the operator is the word and", "write a and b for a && b"},
	"||": {tokOp, "or", "the operator is the word or", "write a or b for a || b"},
	"!":  {tokPrefix, "not", "the operator is the word not", "write not a for !a"},
	"**": {tokOp, "^", "powers are written ^", "write a ^ b for a ** b"},
	":=": {tokPunct, "=", "assignment is written =", "write y = x for y := x"},
	"+=": {tokPunct, "=", "there is no +=", "write y = y + x for y += x"},
	"-=": {tokPunct, "=", "there is no -=", "write y = y - x for y -= x"},
	"*=": {tokPunct, "=", "there is no *=", "write y = y * x for y *= x"},
	"/=": {tokPunct, "=", "there is no /=", "write y = y / x for y /= x"},
	";":  {0, "", "statements end with their line", "put the next statement on a line of its own and drop the ;"},
}

// foreign returns what to read for t; ok is false if it is to be dropped.
func foreign(t lexer.Token) (fix replacement, ok bool) {
	switch t.Value[0] {
	case '\'':
		text := t.Value[1 : len(t.Value)-1]
		return replacement{tokString, `"` + text + `"`, "strings take double quotes", fmt.Sprintf("write %q", text)}, true
	case '#':
		return replacement{why: "comments start with //", help: "write // for #"}, false
	}
	if t.Value[0] == '/' && t.Value != "/=" {
		return replacement{why: "comments start with // and end with their line", help: "there are no /* */ comments"}, false
	}
	fix = foreignSpellings[t.Value]
	return fix, fix.value != ""
}
