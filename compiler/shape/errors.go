package shape

import "fmt"

// The codes of the shape rules' errors. They are append-only: a code, once
// given out, keeps its meaning.
const (
	CodeRank     = "SHAPE001" // a map where a vector is wanted, or the reverse
	CodeGroups   = "SHAPE002" // groups that do not divide the channels
	CodeAdd      = "SHAPE003" // a sum of unequal shapes
	CodeMul      = "SHAPE004" // a product of shapes that do not broadcast
	CodeConcat   = "SHAPE005" // a concatenation of maps of different sizes
	CodeWindow   = "SHAPE006" // a window that does not fit its input
	CodeAttr     = "SHAPE007" // an attribute out of its range
	CodeChannels = "SHAPE008" // channels that the input does not have
	CodeLength   = "SHAPE009" // a per-channel list of the wrong length
	CodeLimit    = "SHAPE010" // more than a network may ask for
)

// Error is what a rule returns when shapes do not fit. It carries no position:
// the caller knows where the operation stands in the source and adds it.
type Error struct {
	Code    string // one of the Code constants
	Summary string // one line: the operation, the shapes, what is wrong
	Label   string // what stands beside the carets; short
	Help    string // what to change
	Attr    string // the attribute to blame as the language spells it, or ""
	Arg     int    // the argument to blame, counted from 0, or -1
}

func (e *Error) Error() string { return e.Summary + " [" + e.Code + "]" }

func errRank(op string, in Shape, want, help string) *Error {
	return &Error{
		Code:    CodeRank,
		Summary: fmt.Sprintf("%s needs %s, its input is %v", op, want, in),
		Label:   fmt.Sprintf("gets %v here", in),
		Help:    help,
		Arg:     0,
	}
}

func errNotMap(op string, in Shape) *Error {
	return errRank(op, in, "a map [c h w]", "apply "+op+" before flatten")
}

func errNotVector(op string, in Shape) *Error {
	return errRank(op, in, "a vector [features]", "put flatten before "+op)
}

func errAttr(op, attr, wrong, help string) *Error {
	return &Error{
		Code:    CodeAttr,
		Summary: op + ": " + attr + " " + wrong,
		Label:   "out of range",
		Help:    help,
		Attr:    attr,
		Arg:     -1,
	}
}

func errLeast(op, attr string, least int, got any) *Error {
	return errAttr(op, attr, fmt.Sprintf("must be at least %d, not %v", least, got), fmt.Sprintf("make %s %d or more", attr, least))
}

func errGroups(op, what string, channels, groups int) *Error {
	return &Error{
		Code:    CodeGroups,
		Summary: fmt.Sprintf("%s: %s %d channels, groups = %d does not divide them", op, what, channels, groups),
		Label:   fmt.Sprintf("%d is not a multiple of %d", channels, groups),
		Help:    fmt.Sprintf("choose groups among the divisors of %d, or make the channels a multiple of %d", channels, groups),
		Attr:    "groups",
		Arg:     -1,
	}
}

func errAdd(arg int, first, other Shape) *Error {
	label, help := difference(first, other)
	return &Error{
		Code:    CodeAdd,
		Summary: fmt.Sprintf("add needs equal shapes: one side is %v, the other %v", first, other),
		Label:   label,
		Help:    help,
		Arg:     arg,
	}
}

func errMul(a, b Shape) *Error {
	label, help := difference(a, b)
	e := &Error{
		Code:    CodeMul,
		Summary: fmt.Sprintf("mul needs equal shapes, or one of them [c 1 1]: one side is %v, the other %v", a, b),
		Label:   label,
		Help:    help,
		Arg:     1,
	}
	if a.IsMap() != b.IsMap() {
		e.Help = "a factor for each channel is a map [c 1 1]: leave out flatten before it, write linear2d for linear, and declare an input v[c, 1, 1]"
	}
	return e
}

// difference says how two shapes differ and what would make them equal.
func difference(a, b Shape) (label, help string) {
	switch {
	case a.IsMap() != b.IsMap():
		return fmt.Sprintf("a map and a vector: %v and %v", a, b), "flatten both sides or neither"
	case a.Channels() != b.Channels() && a.IsMap():
		return fmt.Sprintf("channels differ: %d and %d", a.Channels(), b.Channels()),
			fmt.Sprintf("give both sides %d channels, with a 1x1 conv on the shortcut if it is one", a.Channels())
	case a.Channels() != b.Channels():
		return fmt.Sprintf("features differ: %d and %d", a.Channels(), b.Channels()),
			fmt.Sprintf("give both sides %d features", a.Channels())
	default:
		return fmt.Sprintf("sizes differ: %dx%d and %dx%d", a.Height(), a.Width(), b.Height(), b.Width()),
			"use the same strides and paddings on both sides"
	}
}

func errConcat(arg int, first, other Shape) *Error {
	e := &Error{Code: CodeConcat, Arg: arg}
	if first.IsMap() != other.IsMap() {
		e.Summary = fmt.Sprintf("concat needs maps only or vectors only: the first argument is %v, argument %d is %v", first, arg+1, other)
		e.Label = "a map and a vector"
		e.Help = "flatten all arguments or none"
		return e
	}
	e.Summary = fmt.Sprintf("concat needs maps of one height and width: the first argument is %v, argument %d is %v", first, arg+1, other)
	e.Label = fmt.Sprintf("sizes differ: %dx%d and %dx%d", first.Height(), first.Width(), other.Height(), other.Width())
	e.Help = "use the same strides and paddings in every branch"
	return e
}

func errWindow(op string, in Shape, w Window) *Error {
	field := Size{w.Dilation.H*(w.Kernel.H-1) + 1, w.Dilation.W*(w.Kernel.W-1) + 1}
	return &Error{
		Code: CodeWindow,
		Summary: fmt.Sprintf("%s: a window of %dx%d does not fit into the input %v with padding %v",
			op, field.H, field.W, in, w.Pad),
		Label: fmt.Sprintf("input is %dx%d here", in.Height(), in.Width()),
		Help:  "use a smaller kernel, more padding, fewer strides before it, or a larger input",
		Attr:  "kernel",
		Arg:   0,
	}
}

func errChannel(op string, in Shape, from, to int) *Error {
	return &Error{
		Code:    CodeChannels,
		Summary: fmt.Sprintf("%s: channels %d:%d of an input that has %d", op, from, to, in.Channels()),
		Label:   fmt.Sprintf("the input is %v", in),
		Help:    fmt.Sprintf("stay within 0:%d, the end being exclusive, and take one channel at least", in.Channels()),
		Arg:     0,
	}
}

func errLength(op, attr string, have, channels int) *Error {
	return &Error{
		Code:    CodeLength,
		Summary: fmt.Sprintf("%s: %s has %d entries, the input %d channels", op, attr, have, channels),
		Label:   fmt.Sprintf("%d entries", have),
		Help:    fmt.Sprintf("give one number for all channels or %d, one a channel", channels),
		Attr:    attr,
		Arg:     -1,
	}
}

func errLimit(what string, limit int64, unit string) *Error {
	return &Error{
		Code:    CodeLimit,
		Summary: fmt.Sprintf("%s: more than the limit of %d %s", what, limit, unit),
		Label:   "too large",
		Help:    "check the sizes that lead here; no network needs this much",
		Arg:     -1,
	}
}
