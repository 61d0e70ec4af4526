package diag

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
)

// Render writes each diagnostic of l as people read it:
//
//	specs/net.cnn:18:5: error: add needs equal shapes: left is [256 28 28], right is [512 28 28] [SHAPE003]
//	 18 |     add shortcut
//	    |     ^^^ channels differ: 256 and 512
//	 15 |     conv 1x1 out=512
//	    |     ---- right side comes from here; out=256 would match
//	    = help: ...
//
// The first line stands alone, so that editors find the place. src returns the
// text of a file; where it can't, source lines are left out. With color the
// parts are told apart by ANSI sequences. Only writing can fail.
func Render(w io.Writer, l List, src func(file string) (string, bool), color bool) error {
	r := renderer{src: src, lines: make(map[string][]string), color: color}
	for i, d := range l {
		if i > 0 {
			r.out.WriteByte('\n')
		}
		r.diagnostic(d)
	}
	_, err := io.WriteString(w, r.out.String())
	return err
}

type renderer struct {
	out   strings.Builder
	src   func(file string) (string, bool)
	lines map[string][]string // of the files seen; nil if there is no text
	color bool

	// Of the diagnostic at hand:
	gutter int    // digits of its longest line number
	file   string // the file last pointed into
	line   int    // the line of it that was printed last
	text   string // as it was printed
}

// style is an ANSI sequence.
type style string

const (
	bold   style = "\x1b[1m"
	red    style = "\x1b[1;31m"
	yellow style = "\x1b[1;33m"
	blue   style = "\x1b[1;34m"
	cyan   style = "\x1b[1;36m"
)

func (r *renderer) paint(s style, text string) string {
	if !r.color || text == "" {
		return text
	}
	return string(s) + text + "\x1b[0m"
}

func (r *renderer) diagnostic(d *Diagnostic) {
	mark := red
	if d.Severity == Warning {
		mark = yellow
	}
	if at := d.Span.String(); at != "" {
		r.out.WriteString(r.paint(bold, printable(at)+":") + " ")
	}
	r.out.WriteString(r.paint(mark, d.Severity.String()+":") + " " + r.paint(bold, printable(d.Summary)))
	if d.Code != "" {
		r.out.WriteString(" [" + d.Code + "]")
	}
	r.out.WriteByte('\n')

	last := d.Span.Start.Line
	for _, rel := range d.Related {
		last = max(last, rel.Span.Start.Line)
	}
	r.gutter = len(strconv.Itoa(last))
	r.file, r.line = d.Span.Start.File, 0

	r.excerpt(d.Span, '^', mark, d.Label)
	for _, rel := range d.Related {
		r.excerpt(rel.Span, '-', blue, rel.Note)
	}
	if d.Help != "" {
		for i, line := range strings.Split(d.Help, "\n") {
			intro := "= help: "
			if i > 0 {
				intro = "        "
			}
			r.margin("")
			r.out.WriteString(r.paint(cyan, intro) + printable(line) + "\n")
		}
	}
}

// margin starts a line with a line number, or blank.
func (r *renderer) margin(number string) {
	r.out.WriteString(r.paint(blue, fmt.Sprintf(" %*s ", r.gutter, number)))
}

// excerpt prints the source line that s starts on, unless it stands right above
// already, and marks below it.
func (r *renderer) excerpt(s Span, mark rune, st style, note string) {
	source, ok := r.sourceLine(s.Start)
	if !ok {
		if note != "" {
			if mark == '-' && s.Start.IsValid() {
				note = s.String() + ": " + note
			}
			r.margin("")
			r.out.WriteString(r.paint(cyan, "= note: ") + printable(note) + "\n")
		}
		return
	}
	if s.Start.File != r.file {
		r.margin("")
		r.out.WriteString(r.paint(blue, "at "+printable(s.String())+":") + "\n")
		r.file, r.line = s.Start.File, 0
	}
	text, from, to := fit(source, s)
	if s.Start.Line != r.line || text != r.text {
		r.margin(strconv.Itoa(s.Start.Line))
		r.out.WriteString(strings.TrimRight(r.paint(blue, "|")+" "+text, " ") + "\n")
		r.line, r.text = s.Start.Line, text
	}
	if s.End.Line > s.Start.Line {
		note = strings.TrimSpace(fmt.Sprintf("%s (to line %d)", note, s.End.Line))
	}
	marks := strings.TrimRight(strings.Repeat(string(mark), max(1, to-from))+" "+printable(note), " ")
	r.margin("")
	r.out.WriteString(r.paint(blue, "|") + " " + strings.Repeat(" ", from) + r.paint(st, marks) + "\n")
}

// sourceLine returns the text of the line that p is on.
func (r *renderer) sourceLine(p Pos) (string, bool) {
	lines, seen := r.lines[p.File]
	if !seen {
		if text, ok := r.src(p.File); ok {
			lines = strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n") // a byte order mark is no text
		}
		r.lines[p.File] = lines
	}
	if p.Line < 1 || p.Line > len(lines) {
		return "", false
	}
	return strings.TrimRight(lines[p.Line-1], "\r"), true
}

const (
	tabWidth = 4
	maxWidth = 160 // columns of a source line; longer ones are cut around the span
	leadIn   = 40  // columns left of the span that a cut leaves
)

// fit makes a source line printable and returns the columns, from 0, that s
// takes up in it. What of s lies on later lines is marked to the line's end.
func fit(line string, s Span) (text string, from, to int) {
	runes := []rune(line)
	n := len(runes)
	pieces := make([]string, n)
	columns := make([]int, n+1) // where each piece starts
	for i, c := range runes {
		pieces[i] = printable(string(c))
		w := width(c)
		if c == '\t' {
			w = tabWidth - columns[i]%tabWidth
			pieces[i] = strings.Repeat(" ", w)
		}
		columns[i+1] = columns[i] + w
	}
	first := min(max(s.Start.Col-1, 0), n)
	last := n
	if s.End.Line <= s.Start.Line {
		last = min(max(s.End.Col-1, first), n)
	}
	lo, hi := 0, n
	if columns[n] > maxWidth {
		for columns[first]-columns[lo] > leadIn {
			lo++
		}
		for columns[hi]-columns[lo] > maxWidth {
			hi--
		}
	}
	text = strings.Join(pieces[lo:hi], "")
	shift := -columns[lo]
	if lo > 0 {
		text = "…" + text
		shift++
	}
	if hi < n {
		text += "…"
	}
	return text, columns[first] + shift, columns[min(last, hi)] + shift
}

// printable replaces characters that would move a terminal's cursor, change its
// colour or the direction of text.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.In(c, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return unicode.ReplacementChar
		}
		return c
	}, s)
}

// wide are the characters that take two columns of a terminal: those of East
// Asia and pictures.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x1100, Hi: 0x115f, Stride: 1}, {Lo: 0x2e80, Hi: 0x303e, Stride: 1}, {Lo: 0x3041, Hi: 0xa4cf, Stride: 1},
		{Lo: 0xa960, Hi: 0xa97f, Stride: 1}, {Lo: 0xac00, Hi: 0xd7a3, Stride: 1}, {Lo: 0xf900, Hi: 0xfaff, Stride: 1},
		{Lo: 0xfe30, Hi: 0xfe6f, Stride: 1}, {Lo: 0xff00, Hi: 0xff60, Stride: 1}, {Lo: 0xffe0, Hi: 0xffe6, Stride: 1},
	},
	R32: []unicode.Range32{{Lo: 0x1f300, Hi: 0x1faff, Stride: 1}, {Lo: 0x20000, Hi: 0x3fffd, Stride: 1}},
}

// width is the number of terminal columns that c takes.
func width(c rune) int {
	switch {
	case unicode.In(c, unicode.Mn, unicode.Me):
		return 0
	case unicode.Is(wide, c):
		return 2
	}
	return 1
}
