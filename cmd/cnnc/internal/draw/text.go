package draw

import (
	"html"
	"math"
	"strconv"
	"strings"
)

// helvetica holds the widths of the characters from space to ~ in thousandths of
// the font's size, by its published metrics; Arial and Liberation Sans share them.
var helvetica = [...]int{
	278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, // space to /
	556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, // 0 to ?
	1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778, // @ to O
	667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, // P to _
	333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, // ` to o
	556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584, // p to ~
}

// textWidth estimates the width of text in whole pixels: sums of them are exact on
// every processor, so that pictures are the same everywhere.
func textWidth(text string, size float64) float64 {
	return math.Ceil(float64(thousandths(text)) * size / 1000)
}

// boldWidth is the width of bold text.
func boldWidth(text string, size float64) float64 {
	const wider = 1.07
	return math.Ceil(float64(thousandths(text)) * size * wider / 1000)
}

func thousandths(text string) int {
	sum := 0
	for _, r := range text {
		switch {
		case r >= ' ' && r <= '~':
			sum += helvetica[r-' ']
		case r == '×':
			sum += 584
		case r == '·':
			sum += 278
		default:
			sum += 600
		}
	}
	return sum
}

func escape(text string) string { return html.EscapeString(text) }

// num writes a coordinate in as few digits as can be seen.
func num(x float64) string {
	s := strconv.FormatFloat(x, 'f', 1, 64)
	return strings.TrimSuffix(s, ".0")
}
