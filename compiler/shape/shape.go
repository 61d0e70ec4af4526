// Package shape holds tensor shapes and, one pure function a primitive, the
// rules by which shapes follow from shapes. Every product is checked: a short
// spec must not ask for 2^62 bytes. Rules that serve several primitives are told
// by op what the language calls the one at hand.
package shape

import (
	"slices"
	"strconv"
	"strings"
)

// Shape is what one image has: [channels, height, width] for a feature map,
// [features] for a vector. The batch is not part of it: every network runs
// any batch. A Shape is never changed in place.
type Shape []int

// IsMap reports whether s is a feature map, [c h w].
func (s Shape) IsMap() bool { return len(s) == 3 }

// Channels returns the first axis: channels of a map, features of a vector.
func (s Shape) Channels() int { return s[0] }

// Height returns a map's height, and 1 for a vector.
func (s Shape) Height() int {
	if s.IsMap() {
		return s[1]
	}
	return 1
}

// Width returns a map's width, and 1 for a vector.
func (s Shape) Width() int {
	if s.IsMap() {
		return s[2]
	}
	return 1
}

// Elems returns the number of elements of one image. The constructors have
// checked that it fits.
func (s Shape) Elems() int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}

// Equal reports whether both have the same axes.
func (s Shape) Equal(t Shape) bool { return slices.Equal(s, t) }

// String prints the shape as in [256 28 28].
func (s Shape) String() string {
	var b strings.Builder
	b.WriteByte('[')
	for i, d := range s {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(strconv.Itoa(d))
	}
	b.WriteByte(']')
	return b.String()
}

// Size is a height and a width.
type Size struct{ H, W int }

// Square returns the size n x n.
func Square(n int) Size { return Size{n, n} }

// String prints 3 for a square and 1x7 otherwise.
func (s Size) String() string {
	if s.H == s.W {
		return strconv.Itoa(s.H)
	}
	return strconv.Itoa(s.H) + "x" + strconv.Itoa(s.W)
}

// Padding is what is added on each side, in pixels.
type Padding struct{ Top, Left, Bottom, Right int }

// PadAll pads every side by n.
func PadAll(n int) Padding { return Padding{n, n, n, n} }

// String prints 1 for equal sides, 0x3 for height and width, and
// top,left,bottom,right otherwise.
func (p Padding) String() string {
	if p.Top == p.Bottom && p.Left == p.Right {
		return Size{p.Top, p.Left}.String()
	}
	parts := []string{strconv.Itoa(p.Top), strconv.Itoa(p.Left), strconv.Itoa(p.Bottom), strconv.Itoa(p.Right)}
	return strings.Join(parts, ",")
}
