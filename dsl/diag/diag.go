// Package diag holds diagnostics: what is wrong, where, why, and what to
// change. Every phase of the compiler reports through it, so it imports
// nothing but the standard library.
package diag

import "fmt"

// Pos is a position in a source file. Line and Col count from 1; Col counts
// characters (runes), as editors do. The zero Pos is "no position".
type Pos struct {
	File string // slash-separated, as the user named it; "" if unknown
	Line int
	Col  int
}

// IsValid reports whether p names a place.
func (p Pos) IsValid() bool { return p.Line > 0 }

// Before reports whether p comes before q in one file.
func (p Pos) Before(q Pos) bool { return p.Line < q.Line || p.Line == q.Line && p.Col < q.Col }

func (p Pos) String() string {
	if !p.IsValid() {
		return p.File
	}
	if p.File == "" {
		return fmt.Sprintf("%d:%d", p.Line, p.Col)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// Span is a stretch of source, End exclusive. Both ends lie in one file.
type Span struct{ Start, End Pos }

func (s Span) String() string { return s.Start.String() }

// Severity says whether a diagnostic stops the compilation.
type Severity int

const (
	Error Severity = iota
	Warning
)

func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// A Related span points at a second place, such as the cause of a mismatch.
type Related struct {
	Span Span
	Note string // what stands there, printed beside the carets
}

// Diagnostic is one finding. Summary is one line without a final full stop;
// Label stands beside the carets of the primary span; Help says what to change.
type Diagnostic struct {
	Severity Severity
	Code     string // such as SHAPE003; append-only, explained by Explain
	Summary  string
	Span     Span
	Label    string
	Help     string
	Related  []Related
}

func (d *Diagnostic) Error() string {
	text := fmt.Sprintf("%s: %s [%s]", d.Severity, d.Summary, d.Code)
	if at := d.Span.String(); at != "" {
		return at + ": " + text
	}
	return text
}

// List is what a phase returns: errors stop the pipeline, warnings ride along.
type List []*Diagnostic

// HasErrors reports whether any entry is an error.
func (l List) HasErrors() bool {
	for _, d := range l {
		if d.Severity == Error {
			return true
		}
	}
	return false
}
