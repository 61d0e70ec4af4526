package diag

import "encoding/json"

// MarshalJSON encodes d as an object with these fields; those that are empty
// are left out, except the first four:
//
//	severity    "error" or "warning"
//	code        such as "SHAPE003"
//	message     one line
//	file        as the user named it, with slashes
//	line        from 1; together with column, end_line and end_column left out
//	            if there is no place
//	column      from 1, in characters
//	end_line    where the place ends,
//	end_column  exclusive
//	label       what to say beside the place
//	help        what to change
//	related     further places: objects with message and the fields of a place
func (d *Diagnostic) MarshalJSON() ([]byte, error) {
	out := struct {
		Severity string `json:"severity"`
		Code     string `json:"code"`
		Message  string `json:"message"`
		jsonPlace
		Label   string        `json:"label,omitempty"`
		Help    string        `json:"help,omitempty"`
		Related []jsonRelated `json:"related,omitempty"`
	}{
		Severity:  d.Severity.String(),
		Code:      d.Code,
		Message:   d.Summary,
		jsonPlace: placeOf(d.Span),
		Label:     d.Label,
		Help:      d.Help,
	}
	for _, r := range d.Related {
		out.Related = append(out.Related, jsonRelated{r.Note, placeOf(r.Span)})
	}
	return json.Marshal(out)
}

type jsonPlace struct {
	File      string `json:"file"`
	Line      int    `json:"line,omitempty"`
	Column    int    `json:"column,omitempty"`
	EndLine   int    `json:"end_line,omitempty"`
	EndColumn int    `json:"end_column,omitempty"`
}

type jsonRelated struct {
	Message string `json:"message"`
	jsonPlace
}

func placeOf(s Span) jsonPlace {
	return jsonPlace{s.Start.File, s.Start.Line, s.Start.Col, s.End.Line, s.End.Col}
}
