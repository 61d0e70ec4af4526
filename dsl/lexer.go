package dsl

import (
	"io"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/participle/v2/lexer"
)

// Lexing has two halves. scan cuts the text into tokens and cannot fail: what
// it doesn't know becomes a token of a kind that the grammar never mentions.
// layout.go then decides what depends on context: where statements end, which
// words are keywords, which tokens form a label, whether a bracket calls or
// groups. Written by hand because participle's table of regular expressions
// took 10 ms for 500 lines, thirty times as long.

const (
	tokIdent lexer.TokenType = lexer.EOF - 1 - iota
	tokKeyword
	tokInt
	tokFloat
	tokSize
	tokString
	tokOp    // binary operators; layout adds the words, and splits off tokPrefix
	tokPunct // brackets, comma, colon, dot, =, ->

	// Set by layout.
	tokEnd        // end of a statement: a newline that counts
	tokPrefix     // - or not before an operand
	tokCallOpen   // ( that calls what stands before it
	tokIndexOpen  // [ that indexes what stands before it
	tokLabelText  // literal part of a label
	tokLabelOpen  // { that opens a computed part of a label
	tokLabelClose // } that closes it
	tokLabelColon // : that ends the label of a pipe's stage

	// Never reach the parser: layout reports or collects them.
	tokComment
	tokBadNumber  // digits that run into letters
	tokOpenString // a string without its closing quote
	tokForeign    // an operator of other languages
	tokStray      // anything else
)

// definition tells participle the names of the token types. The grammar is
// always run on tokens that layout has prepared, so Lex does both halves.
type definition struct{}

func (definition) Symbols() map[string]lexer.TokenType {
	return map[string]lexer.TokenType{
		"EOF":        lexer.EOF,
		"Ident":      tokIdent,
		"Keyword":    tokKeyword,
		"Int":        tokInt,
		"Float":      tokFloat,
		"Size":       tokSize,
		"String":     tokString,
		"Op":         tokOp,
		"Prefix":     tokPrefix,
		"Punct":      tokPunct,
		"End":        tokEnd,
		"CallOpen":   tokCallOpen,
		"IndexOpen":  tokIndexOpen,
		"LabelText":  tokLabelText,
		"LabelOpen":  tokLabelOpen,
		"LabelClose": tokLabelClose,
		"LabelColon": tokLabelColon,
	}
}

func (definition) Lex(name string, r io.Reader) (lexer.Lexer, error) {
	src, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return &tokenStream{tokens: newLayout(name, scan(name, string(src))).run()}, nil
}

// tokenStream hands prepared tokens to participle, then EOF for ever.
type tokenStream struct {
	tokens []lexer.Token
	end    lexer.Position
}

func (s *tokenStream) Next() (lexer.Token, error) {
	if len(s.tokens) == 0 {
		return lexer.EOFToken(s.end), nil
	}
	t := s.tokens[0]
	s.tokens = s.tokens[1:]
	s.end = endOf(t)
	return t, nil
}

// endOf returns the position after t. No token spans lines.
func endOf(t lexer.Token) lexer.Position {
	p := t.Pos
	p.Offset += len(t.Value)
	p.Column += utf8.RuneCountInString(t.Value)
	return p
}

// scan cuts src into tokens, comments included, white space dropped.
func scan(name, src string) []lexer.Token {
	tokens := make([]lexer.Token, 0, len(src)/4)
	pos := lexer.Position{Filename: name, Line: 1, Column: 1}
	if strings.HasPrefix(src, "\ufeff") { // a byte order mark is no text
		pos.Offset = len("\ufeff")
	}
	for pos.Offset < len(src) {
		rest := src[pos.Offset:]
		switch rest[0] {
		case '\n':
			pos.Offset++
			pos.Line++
			pos.Column = 1
			continue
		case ' ', '\t', '\r':
			pos.Offset++
			pos.Column++
			continue
		}
		typ, n := next(rest)
		t := lexer.Token{Type: typ, Value: rest[:n], Pos: pos}
		tokens = append(tokens, t)
		pos = endOf(t)
	}
	return tokens
}

// next returns the kind and length in bytes of the token that s starts with.
func next(s string) (lexer.TokenType, int) {
	c := s[0]
	switch {
	case isLetter(c):
		return tokIdent, count(s, isWord)
	case isDigit(c):
		return nextNumber(s)
	case c == '"':
		return nextString(s)
	case c == '\'':
		return nextQuoted(s)
	case strings.HasPrefix(s, "//"):
		return tokComment, len(line(s))
	}
	if len(s) > 1 {
		switch s[:2] {
		case "->":
			return tokPunct, 2
		case "==", "!=", "<=", ">=", "..":
			return tokOp, 2
		case "=>", "|>", "&&", "||", "**", ":=", "+=", "-=", "*=", "/=":
			return tokForeign, 2
		case "/*":
			return tokForeign, len(line(s))
		}
	}
	switch c {
	case '+', '-', '*', '/', '%', '^', '<', '>':
		return tokOp, 1
	case '=', '(', ')', '[', ']', '{', '}', ',', ':', '.':
		return tokPunct, 1
	case ';', '!':
		return tokForeign, 1
	case '#':
		return tokForeign, len(line(s))
	}
	_, n := utf8.DecodeRuneInString(s)
	return tokStray, n
}

// nextNumber reads 12, 0.5, 1e-3, 1.5e3 or 1x7. A number that runs into letters
// is one bad token, so that it gives one message (or part of a label, where
// anything goes). "1..5" is a range: a dot counts only with a digit after it.
func nextNumber(s string) (lexer.TokenType, int) {
	typ, n := tokInt, count(s, isDigit)
	if n+1 < len(s) && s[n] == '.' && isDigit(s[n+1]) {
		typ = tokFloat
		n += 1 + count(s[n+1:], isDigit)
	} else if n+1 < len(s) && s[n] == 'x' && isDigit(s[n+1]) {
		typ = tokSize
		n += 1 + count(s[n+1:], isDigit)
	}
	if typ != tokSize && n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		e := n + 1
		if e < len(s) && (s[e] == '+' || s[e] == '-') {
			e++
		}
		if d := count(s[e:], isDigit); d > 0 {
			typ = tokFloat
			n = e + d
		}
	}
	if w := count(s[n:], isWord); w > 0 {
		return tokBadNumber, n + w
	}
	return typ, n
}

func nextString(s string) (lexer.TokenType, int) {
	l := line(s)
	for i := 1; i < len(l); i++ {
		switch l[i] {
		case '\\':
			i++
		case '"':
			return tokString, i + 1
		}
	}
	return tokOpenString, len(l)
}

// nextQuoted reads 'text' as a whole, to say once that strings take double
// quotes; a lone quote is stray.
func nextQuoted(s string) (lexer.TokenType, int) {
	if i := strings.IndexByte(line(s)[1:], '\''); i >= 0 {
		return tokForeign, i + 2
	}
	return tokStray, 1
}

// line returns s up to its line's end.
func line(s string) string {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		s = s[:i]
	}
	return strings.TrimRight(s, "\r")
}

func count(s string, is func(byte) bool) int {
	for i := range len(s) {
		if !is(s[i]) {
			return i
		}
	}
	return len(s)
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' }
func isWord(c byte) bool   { return isLetter(c) || isDigit(c) }
