package shape

import (
	"errors"
	"math"
	"testing"
)

func TestNew(t *testing.T) {
	for _, c := range []struct {
		dims []int
		want string // the shape or the error's code
	}{
		{[]int{3, 224, 224}, "[3 224 224]"},
		{[]int{1}, "[1]"},
		{nil, CodeRank},
		{[]int{3, 224}, CodeRank},
		{[]int{1, 3, 224, 224}, CodeRank},
		{[]int{3, 0, 224}, CodeAttr},
		{[]int{-1}, CodeAttr},
		{[]int{MaxAxis}, "[16777216]"},
		{[]int{MaxAxis + 1}, CodeLimit},
		{[]int{1 << 10, 1 << 10, 1 << 10}, "[1024 1024 1024]"},
		{[]int{1 << 10, 1 << 10, 1<<10 + 1}, CodeLimit},
		{[]int{MaxAxis, MaxAxis, MaxAxis}, CodeLimit}, // overflows an int64
		{[]int{math.MaxInt, math.MaxInt, 1}, CodeLimit},
	} {
		s, err := New(c.dims...)
		got := s.String()
		var e *Error
		if errors.As(err, &e) {
			got = e.Code
		}
		if got != c.want {
			t.Errorf("New(%v) = %v, %v; want %v", c.dims, s, err, c.want)
		}
	}
}

func TestProduct(t *testing.T) {
	for _, c := range []struct {
		factors []int
		want    int64
		ok      bool
	}{
		{nil, 1, true},
		{[]int{3, 4, 5}, 60, true},
		{[]int{3, 0, math.MaxInt}, 0, true},
		{[]int{math.MaxInt, 1}, math.MaxInt, true},
		{[]int{math.MaxInt, math.MaxInt, 4}, 0, false},
		{[]int{1 << 30, 1 << 30, 8}, 0, false},
		{[]int{3, -1}, 0, false},
	} {
		if got, ok := Product(c.factors...); got != c.want || ok != c.ok {
			t.Errorf("Product(%v) = %d, %v; want %d, %v", c.factors, got, ok, c.want, c.ok)
		}
	}
}

func TestString(t *testing.T) {
	for _, c := range []struct {
		got, want string
	}{
		{S(256, 28, 14).String(), "[256 28 14]"},
		{Square(3).String(), "3"},
		{Size{1, 7}.String(), "1x7"},
		{PadAll(2).String(), "2"},
		{Padding{Top: 0, Left: 3, Bottom: 0, Right: 3}.String(), "0x3"},
		{Padding{Top: 0, Left: 1, Bottom: 2, Right: 1}.String(), "0,1,2,1"},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
}
