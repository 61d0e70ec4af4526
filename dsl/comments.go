package dsl

import (
	"slices"
	"sort"
	"strings"

	"github.com/cnnc-dev/cnnc/dsl/diag"
)

// commentary hands out the comments of a file, each once, to whoever prints the
// gap between two tokens that it stands in.
type commentary struct {
	comments []Comment
	used     []bool
}

func newCommentary(comments []Comment) *commentary {
	sorted := slices.Clone(comments)
	sort.SliceStable(sorted, func(i, j int) bool { return sorted[i].Src.Start.Before(sorted[j].Src.Start) })
	return &commentary{sorted, make([]bool, len(sorted))}
}

// take returns the comments from a to b that are left.
func (c *commentary) take(a, b diag.Pos) []Comment {
	var out []Comment
	i := sort.Search(len(c.comments), func(i int) bool { return !c.comments[i].Src.Start.Before(a) })
	for ; i < len(c.comments) && c.comments[i].Src.Start.Before(b); i++ {
		if !c.used[i] {
			c.used[i] = true
			out = append(out, c.comments[i])
		}
	}
	return out
}

// gap is what stands between two neighbours of a sequence.
type gap struct {
	trailing string    // the comment on the line that the gap starts on
	own      []ownLine // comments on lines of their own
	newline  bool      // the neighbours stand on different lines
	blank    bool      // an empty line stands right before the second neighbour
}

type ownLine struct {
	text  string
	blank bool // an empty line stands before it
}

// between returns the gap from a, the end of one thing, to b, the start of the
// next.
func (c *commentary) between(a, b diag.Pos) gap {
	g := gap{newline: b.Line > a.Line}
	line := a.Line
	for _, comment := range c.take(a, b) {
		at := comment.Src.Start.Line
		text := commentText(comment)
		if at == a.Line && a.Line > 0 && g.trailing == "" {
			g.trailing = text
		} else {
			g.own = append(g.own, ownLine{text, at > line+1 && line > 0})
		}
		line = at
	}
	g.blank = b.Line > line+1 && line > 0
	return g
}

// breaks reports whether the neighbours have to stand on different lines.
func (g gap) breaks() bool { return g.newline || g.hasComments() }

func (g gap) hasComments() bool { return g.trailing != "" || len(g.own) > 0 }

func commentText(c Comment) string { return "//" + strings.TrimRight(c.Text, " \t\r") }

// comments is the comments of g, those with lines of their own on new lines.
// The first gap of a sequence starts without an empty line.
func (g gap) comments(first bool) concat {
	var out concat
	if g.trailing != "" {
		out = append(out, trailing(g.trailing))
	}
	for i, o := range g.own {
		out = append(out, hardBreak{o.blank && !(first && i == 0)}, text(o.text))
	}
	return out
}

// newLine is the comments of g and the newline before what follows it.
func (g gap) newLine(first bool) concat {
	return append(g.comments(first), hardBreak{g.blank && !(first && len(g.own) == 0)})
}

// separator is the newline between neighbours that stood on different lines, a
// break between others.
func (g gap) separator() document {
	if g.breaks() {
		return g.newLine(false)
	}
	return softBreak{" "}
}
