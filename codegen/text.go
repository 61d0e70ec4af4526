package codegen

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/cnnc-dev/cnnc/compiler/plan"
	"github.com/cnnc-dev/cnnc/compiler/shape"
	"github.com/cnnc-dev/cnnc/dsl/diag"
	"github.com/cnnc-dev/cnnc/runtime"
)

// Comments are made from names that a spec chose: every one goes through plain,
// so that none ends its line or passes for a directive.

var plainText = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_./-]*$`)

// plain returns s if it is an ordinary name, and quotes it otherwise.
func plain(s string) string {
	if plainText.MatchString(s) {
		return s
	}
	return strconv.Quote(s)
}

// place returns a path for a comment. Of an absolute one only the last element
// is given: what is emitted must not depend on the machine.
func place(file string) string {
	if path.IsAbs(file) || strings.Contains(file, `\`) || strings.Contains(file, ":") {
		file = path.Base(strings.ReplaceAll(file, `\`, "/"))
	}
	return plain(file)
}

// at returns " (specs/resnext50.cnn:12)", or nothing for no position.
func at(s diag.Span) string {
	if !s.Start.IsValid() {
		return ""
	}
	return fmt.Sprintf(" (%s:%d)", place(s.Start.File), s.Start.Line)
}

// comment returns a text, which is one paragraph, as lines of a comment.
func comment(format string, args ...any) *jen.Statement {
	const width = 100
	s := &jen.Statement{}
	line := "//"
	for _, word := range strings.Split(keepShapes(fmt.Sprintf(format, args...)), " ") {
		word = strings.ReplaceAll(word, unbreakable, " ")
		if len(line)+1+len(word) > width && line != "//" {
			s.Comment(line).Line()
			line = "//"
		}
		line += " " + word
	}
	return s.Comment(line)
}

const unbreakable = "\u00a0"

var inBrackets = regexp.MustCompile(`\[[0-9 ]*\]`)

// keepShapes makes the spaces in shapes such as [256 56 56] unbreakable.
func keepShapes(s string) string {
	return inBrackets.ReplaceAllStringFunc(s, func(shape string) string {
		return strings.ReplaceAll(shape, " ", unbreakable)
	})
}

// thousands writes 25028904 as 25,028,904.
func thousands(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// megabytes writes the size of n floats.
func megabytes(n int) string {
	bytes := float64(n) * 4
	if bytes < 1e6 {
		return fmt.Sprintf("%.1f kB", bytes/1e3)
	}
	return fmt.Sprintf("%.1f MB", bytes/1e6)
}

// list writes a, b and c.
func list(items []string) string {
	if len(items) < 2 {
		return strings.Join(items, "")
	}
	last := len(items) - 1
	return strings.Join(items[:last], ", ") + " and " + items[last]
}

var numbered = regexp.MustCompile(`^(.*?)(\d{1,9})$`)

// ranges shortens layer1.1, layer1.2, layer1.3 to "layer1.1 to layer1.3".
func ranges(scopes []string) string {
	var out []string
	for i := 0; i < len(scopes); {
		j := i + 1
		for j < len(scopes) && follows(scopes[j-1], scopes[j]) {
			j++
		}
		switch j - i {
		case 1:
			out = append(out, plain(scopes[i]))
		case 2:
			out = append(out, plain(scopes[i]), plain(scopes[i+1]))
		default:
			out = append(out, plain(scopes[i])+" to "+plain(scopes[j-1]))
		}
		i = j
	}
	return list(out)
}

// follows reports whether b is a with the number at its end one higher.
func follows(a, b string) bool {
	x, y := numbered.FindStringSubmatch(a), numbered.FindStringSubmatch(b)
	if x == nil || y == nil || x[1] != y[1] {
		return false
	}
	i, _ := strconv.Atoi(x[2])
	j, _ := strconv.Atoi(y[2])
	return j == i+1
}

// shapesText lists shapes, the middle of a long list left out.
func shapesText(shapes []shape.Shape) string {
	const most = 5
	var out []string
	for _, s := range shapes {
		if text := s.String(); !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	if n := len(out); n > most {
		out = []string{out[0], out[1], "...", out[n-1]}
	}
	return strings.Join(out, ", ")
}

// normName is what a norm is called in a comment: the end of its key, or what it
// is where that is a number.
func normName(n runtime.Norm) string {
	last := n.Key[strings.LastIndexByte(n.Key, '.')+1:]
	if strings.Trim(last, "0123456789") == "" {
		return strings.ToLower(constantName(n.Kind))
	}
	return plain(last)
}

// common joins the words that all layers have in common.
func common(steps []*plan.Step) string {
	w := steps[0].Words(normName)
	for _, s := range steps[1:] {
		for i, other := range s.Words(normName) {
			if w[i] != other {
				w[i] = ""
			}
		}
	}
	return strings.Join(slices.DeleteFunc(w, func(word string) bool { return word == "" }), " ")
}

// dims returns a tensor's shape as the runtime has it.
func dims(s shape.Shape) runtime.Shape {
	return runtime.Shape{C: s.Channels(), H: s.Height(), W: s.Width()}
}
