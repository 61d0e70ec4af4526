package weights

import (
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"
)

// scanner reads JSON of objects, arrays, strings and other tokens, known beforehand to
// follow each other in a certain way. encoding/json takes five times as long to tell one token
// from the next, which for a network of many tensors is an eighth of the time to load it.
type scanner struct {
	text []byte
	at   int
}

// peek skips space and returns the byte behind it; 0 at the end.
func (s *scanner) peek() byte {
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

func (s *scanner) expect(c byte) error {
	if s.peek() != c {
		return s.unexpected(string(c))
	}
	s.at++
	return nil
}

// object calls member after each key of an object; it must read the value.
func (s *scanner) object(member func(key string) error) error {
	return s.list('{', '}', func() error {
		key, err := s.string()
		if err != nil {
			return err
		}
		if err := s.expect(':'); err != nil {
			return err
		}
		return member(key)
	})
}

// array calls element before each element of an array; it must read it.
func (s *scanner) array(element func() error) error { return s.list('[', ']', element) }

func (s *scanner) list(first, last byte, item func() error) error {
	if err := s.expect(first); err != nil {
		return err
	}
	if s.peek() == last {
		s.at++
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		if s.peek() != ',' {
			return s.expect(last)
		}
		s.at++
	}
}

func (s *scanner) string() (string, error) {
	if s.peek() != '"' {
		return "", s.unexpected("a string")
	}
	plain := true
	for i := s.at + 1; i < len(s.text); i++ {
		switch c := s.text[i]; {
		case c == '"':
			literal := s.text[s.at : i+1]
			s.at = i + 1
			if plain {
				return string(literal[1 : len(literal)-1]), nil
			}
			var v string
			err := json.Unmarshal(literal, &v)
			return v, err
		case c == '\\':
			plain = false
			i++
		case c < ' ' || c >= utf8.RuneSelf:
			plain = false
		}
	}
	return "", io.ErrUnexpectedEOF
}

// token reads what is neither a string nor a list: a number, for instance.
func (s *scanner) token() []byte {
	s.peek()
	from := s.at
	for ; s.at < len(s.text); s.at++ {
		switch s.text[s.at] {
		case ' ', '\t', '\r', '\n', ',', ':', '[', ']', '{', '}':
			return s.text[from:s.at]
		}
	}
	return s.text[from:]
}

// unexpected is the error that something else stands where want was expected.
func (s *scanner) unexpected(want string) error {
	if s.peek(); s.at == len(s.text) {
		return io.ErrUnexpectedEOF
	}
	from := s.at
	found := s.token()
	if len(found) == 0 {
		found = s.text[from : from+1]
	}
	return fmt.Errorf("%s instead of %s", quote(string(found)), want)
}
