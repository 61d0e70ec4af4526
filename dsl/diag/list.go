package diag

import (
	"cmp"
	"slices"
)

// Sort orders l by file, line, column and code, errors before warnings at one
// place, and drops repetitions.
func (l *List) Sort() {
	slices.SortStableFunc(*l, func(a, b *Diagnostic) int {
		p, q := a.Span.Start, b.Span.Start
		return cmp.Or(
			cmp.Compare(p.File, q.File),
			cmp.Compare(p.Line, q.Line),
			cmp.Compare(p.Col, q.Col),
			cmp.Compare(a.Severity, b.Severity),
			cmp.Compare(a.Code, b.Code),
			cmp.Compare(a.Summary, b.Summary),
		)
	})
	*l = slices.CompactFunc(*l, func(a, b *Diagnostic) bool {
		return a.Span == b.Span && a.Code == b.Code && a.Summary == b.Summary
	})
}

// Err returns nil if l has no errors, otherwise an error that is l: errors.As
// finds the List again, and each line of its text is one diagnostic.
func (l List) Err() error {
	if !l.HasErrors() {
		return nil
	}
	return l
}

// Error makes a List an error: one line a diagnostic, as Diagnostic.Error.
func (l List) Error() string {
	var b []byte
	for i, d := range l {
		if i > 0 {
			b = append(b, '\n')
		}
		b = append(b, d.Error()...)
	}
	return string(b)
}
