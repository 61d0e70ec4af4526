package runtime

import "fmt"

// What only emitted code calls.

// CheckLen returns an error unless have, the length of a slice that a caller
// passed, is that of n images of size floats each.
func CheckLen(what string, have, size, n int) error {
	switch {
	case n < 0:
		return fmt.Errorf("%s: the number of images is %d", what, n)
	case n == 1 && have != size:
		return fmt.Errorf("%s has %d floats, want %d", what, have, size)
	case n == 0 && have != 0, n > 0 && (have%n != 0 || have/n != size): // n*size may overflow
		return fmt.Errorf("%s has %d floats, want %d for each of %d images", what, have, size, n)
	}
	return nil
}

// Batch returns the largest number of images of one call of Begin.
func (s *Session) Batch() int { return s.batch }

// From returns the view of the same buffer that begins c channels further on.
func (v View) From(c int) View {
	v.Channel += c
	return v
}
