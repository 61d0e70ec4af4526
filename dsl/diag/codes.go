package diag

import "slices"

// Explanation is what `cnnc explain CODE` tells about a code.
type Explanation struct {
	Code    string
	Title   string // one line, without a final full stop
	Text    string // what is wrong and what to do, in whole sentences
	Example string // a small wrong spec that gets this very code
}

// registry holds a table for each area, in the order of the phases. Codes are
// append-only: a code that is out of use keeps its row, so that its number is
// never given to something else. Each phase's tests compile their examples.
var registry = [][]Explanation{
	syntaxCodes,
	elaborateCodes,
	shapeCodes,
}

// Codes returns every code there is, area by area.
func Codes() []Explanation { return slices.Concat(registry...) }

// Explain returns what there is to say about a code.
func Explain(code string) (Explanation, bool) {
	for _, table := range registry {
		for _, e := range table {
			if e.Code == code {
				return e, true
			}
		}
	}
	return Explanation{}, false
}
