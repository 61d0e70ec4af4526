// Package report prints what cnnc's commands found: tables, figures, JSON.
package report

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"regexp"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

// WantsColor reports whether w is a terminal whose user has not said NO_COLOR.
func WantsColor(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))
}

// JSON writes v indented, with short lists of numbers, such as shapes, on a line.
func JSON(w io.Writer, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	text = shortList.ReplaceAllFunc(text, func(list []byte) []byte {
		return blank.ReplaceAll(bytes.ReplaceAll(list, []byte(","), []byte(", ")), nil)
	})
	_, err = w.Write(append(text, '\n'))
	return err
}

// A string of JSON holds no line end, so that these match lists alone.
var (
	shortList = regexp.MustCompile(`\[(\n +[-+.0-9eE]+,?){1,8}\n *\]`)
	blank     = regexp.MustCompile(`\n *`)
)

// Count prints n with thousands separated by commas.
func Count(n int64) string { return humanize.Comma(n) }

// Bytes prints a number of bytes in units of 1,000.
func Bytes(n int64) string { return humanize.Bytes(uint64(n)) }

// Column is one column of a table.
type Column struct {
	Title string
	Right bool // figures stand on the right
}

// Table writes rows under a header, and foot below a rule if there is one.
func Table(w io.Writer, columns []Column, rows [][]string, foot []string) {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	style := table.StyleDefault
	style.Format = table.FormatOptions{} // as written, not in capitals
	style.Options = table.Options{SeparateHeader: true, SeparateFooter: true}
	style.Box.MiddleHorizontal = "-"
	style.Box.PaddingLeft = ""
	style.Box.PaddingRight = "  "
	t.SetStyle(style)
	t.SuppressTrailingSpaces()

	header := make(table.Row, len(columns))
	configs := make([]table.ColumnConfig, len(columns))
	for i, c := range columns {
		header[i] = c.Title
		configs[i] = table.ColumnConfig{Number: i + 1}
		if c.Right {
			configs[i].Align, configs[i].AlignHeader, configs[i].AlignFooter = text.AlignRight, text.AlignRight, text.AlignRight
		}
	}
	t.SetColumnConfigs(configs)
	t.AppendHeader(header)
	for _, row := range rows {
		t.AppendRow(cells(row))
	}
	if foot != nil {
		t.AppendFooter(cells(foot))
	}
	t.Render()
}

func cells(row []string) table.Row {
	r := make(table.Row, len(row))
	for i, c := range row {
		r[i] = c
	}
	return r
}
