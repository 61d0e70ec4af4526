package gemm

// Panel is some columns of C and the place of their weights.
type Panel struct {
	First int // column of C
	Cols  int // columns of C
	Width int // of the panel; columns from Cols on are zeros
	B     int // where its weights begin, in floats
	Bias  int // where its bias begins, in floats
}

// Panels cuts n columns into panels for taps*k deep weights. Panels that need a
// vector more than they fill are avoided: 80 columns are 32 and 48.
func (k *Kernel) Panels(n, depth int) []Panel {
	var panels []Panel
	bias := 0
	for first := 0; first < n; {
		width := k.width(n - first)
		cols := min(width, n-first)
		panels = append(panels, Panel{First: first, Cols: cols, Width: width, B: bias * depth, Bias: bias})
		first += cols
		bias += width
	}
	return panels
}

// width is the width of the next panel when n columns are left: the least that
// holds them all, or else the usual one.
func (k *Kernel) width(n int) int {
	for _, w := range k.Widths {
		if n <= w {
			return w
		}
	}
	return k.Width
}
