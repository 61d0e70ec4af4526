package dsl

import (
	"strings"
	"unicode/utf8"
)

// A document is text with places where it may break into lines: the algebra of
// Wadler and Oppen, as formatters of today use it. Format builds one, render
// decides the breaks.
type document interface {
	// forced reports whether the document has a break that must be taken.
	forced() bool
}

type (
	// text has no breaks.
	text string

	// concat is its parts one after another.
	concat []document

	// softBreak is flat, or a newline if the group around it is broken.
	softBreak struct{ flat string }

	// hardBreak is a newline, preceded by an empty line if blank is set.
	hardBreak struct{ blank bool }

	// ifBroken is text that is there only if the group around it is broken, or
	// with flat set, only if it isn't.
	ifBroken struct {
		text string
		flat bool
	}

	// nest indents the lines that start within it.
	nest struct{ body document }

	// group is flat if it fits on the line, otherwise all of its breaks are taken.
	group struct {
		body   document
		broken bool
	}

	// fill is content, break, content, ...: each break is taken only if what
	// follows it doesn't fit on the line.
	fill struct{ parts []document }

	// trailing is a comment at the end of the line; a hardBreak follows.
	trailing string
)

func (text) forced() bool      { return false }
func (softBreak) forced() bool { return false }
func (hardBreak) forced() bool { return true }
func (ifBroken) forced() bool  { return false }
func (n nest) forced() bool    { return n.body.forced() }
func (g group) forced() bool   { return g.broken }
func (f fill) forced() bool    { return concat(f.parts).forced() }
func (trailing) forced() bool  { return true }

func (c concat) forced() bool {
	for _, d := range c {
		if d.forced() {
			return true
		}
	}
	return false
}

// newGroup is broken from the start if its body has a break that must be taken.
func newGroup(d document) group { return group{d, d.forced()} }

// flatText returns d as one line.
func flatText(d document) string {
	var b strings.Builder
	var walk func(d document)
	walk = func(d document) {
		switch d := d.(type) {
		case text:
			b.WriteString(string(d))
		case softBreak:
			b.WriteString(d.flat)
		case ifBroken:
			if d.flat {
				b.WriteString(d.text)
			}
		case nest:
			walk(d.body)
		case group:
			walk(d.body)
		case fill:
			walk(concat(d.parts))
		case concat:
			for _, part := range d {
				walk(part)
			}
		}
	}
	walk(d)
	return b.String()
}

const (
	indentWidth = 4
	lineWidth   = 110 // comments don't count
)

// outputLine is a line with its trailing comment apart, so that comments can be
// aligned afterwards.
type outputLine struct {
	text    string
	comment string
}

// job is a document to print, the top one first.
type job struct {
	indent int
	flat   bool
	doc    document
}

// renderer of documents.
type renderer struct {
	lines  []outputLine
	line   strings.Builder
	column int
	note   string // the trailing comment of the line
	jobs   []job
}

// render prints d as lines.
func render(d document) []outputLine {
	r := &renderer{jobs: []job{{doc: d}}}
	for len(r.jobs) > 0 {
		j := r.jobs[len(r.jobs)-1]
		r.jobs = r.jobs[:len(r.jobs)-1]
		r.print(j)
	}
	r.newline(0)
	return r.lines
}

func (r *renderer) write(s string) {
	r.line.WriteString(s)
	r.column += utf8.RuneCountInString(s)
}

func (r *renderer) newline(indent int) {
	r.lines = append(r.lines, outputLine{strings.TrimRight(r.line.String(), " "), r.note})
	r.line.Reset()
	r.column, r.note = 0, ""
	r.write(strings.Repeat(" ", indent))
}

func (r *renderer) push(j job) { r.jobs = append(r.jobs, j) }

func (r *renderer) print(j job) {
	switch d := j.doc.(type) {
	case text:
		r.write(string(d))
	case trailing:
		r.note = string(d)
	case ifBroken:
		if d.flat == j.flat {
			r.write(d.text)
		}
	case softBreak:
		if j.flat {
			r.write(d.flat)
		} else {
			r.newline(j.indent)
		}
	case hardBreak:
		r.newline(0)
		if d.blank {
			r.newline(0)
		}
		r.write(strings.Repeat(" ", j.indent))
	case nest:
		r.push(job{j.indent + indentWidth, j.flat, d.body})
	case group:
		flat := !d.broken && (j.flat || r.fits(job{j.indent, true, d.body}))
		r.push(job{j.indent, flat, d.body})
	case concat:
		for i := len(d) - 1; i >= 0; i-- {
			r.push(job{j.indent, j.flat, d[i]})
		}
	case fill:
		r.fill(d, j)
	case fillRest:
		r.fillRest(d, j)
	case lineMark:
		*d.line = len(r.lines)
	}
}

// fill prints the first content and leaves the rest to the jobs: what follows a
// break can be judged only when the content before it has been printed.
func (r *renderer) fill(d fill, j job) {
	line := len(r.lines)
	r.push(job{j.indent, j.flat, fillRest{d.parts[1:], &line}})
	r.push(job{j.indent, j.flat || r.fits(job{j.indent, true, d.parts[0]}), d.parts[0]})
}

// fillRest is a fill that starts with a break, or is empty, after content that
// started on a line.
type fillRest struct {
	parts []document
	line  *int
}

func (f fillRest) forced() bool { return concat(f.parts).forced() }

// fillRest takes the break, too, after content that took several lines.
func (r *renderer) fillRest(d fillRest, j job) {
	if len(d.parts) == 0 {
		return
	}
	line := new(int)
	r.push(job{j.indent, j.flat, fillRest{d.parts[2:], line}})
	flat := j.flat || len(r.lines) == *d.line && r.fits(job{j.indent, true, concat(d.parts[:2])})
	r.push(job{j.indent, flat, d.parts[1]})
	r.push(job{doc: lineMark{line}})
	r.push(job{j.indent, flat, d.parts[0]})
}

// lineMark notes the line that printing has come to.
type lineMark struct{ line *int }

func (lineMark) forced() bool { return false }

// fits reports whether j fits on the rest of the line, together with what
// follows it up to the first possible newline.
func (r *renderer) fits(j job) bool {
	room := lineWidth - r.column
	waiting := []job{j}
	rest := len(r.jobs)
	for room >= 0 {
		if len(waiting) == 0 {
			if rest == 0 {
				return true
			}
			rest--
			waiting = append(waiting, r.jobs[rest])
		}
		j := waiting[len(waiting)-1]
		waiting = waiting[:len(waiting)-1]
		switch d := j.doc.(type) {
		case text:
			room -= utf8.RuneCountInString(string(d))
		case ifBroken:
			if d.flat == j.flat {
				room -= utf8.RuneCountInString(d.text)
			}
		case softBreak:
			if !j.flat {
				return true
			}
			room -= len(d.flat)
		case hardBreak:
			return true
		case nest:
			waiting = append(waiting, job{j.indent, j.flat, d.body})
		case group:
			waiting = append(waiting, job{j.indent, j.flat && !d.broken, d.body})
		case concat:
			for i := len(d) - 1; i >= 0; i-- {
				waiting = append(waiting, job{j.indent, j.flat, d[i]})
			}
		case fill:
			waiting = append(waiting, job{j.indent, j.flat, concat(d.parts)})
		case fillRest:
			if !j.flat && len(d.parts) > 0 {
				return true // it starts with a break
			}
			waiting = append(waiting, job{j.indent, true, concat(d.parts)})
		}
	}
	return false
}
