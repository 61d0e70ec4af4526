package window_test

import (
	"slices"
	"testing"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/window"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/window/windowtest"
)

// geometries calls f for windows of all sorts.
func geometries(f func(window.Geometry)) {
	for kernel := 1; kernel <= 7; kernel++ {
		for stride := 1; stride <= 3; stride++ {
			for dilation := 1; dilation <= 3; dilation++ {
				for _, g := range windowtest.Geometries(kernel, stride, dilation) {
					f(g)
				}
			}
		}
	}
}

// Every pixel belongs to one tile, whose columns and spans are the input that exists.
func TestTiles(t *testing.T) {
	geometries(func(g window.Geometry) {
		tiles, spans := g.Tiles()
		next := 0
		for i, tile := range tiles {
			if tile.X != next || tile.N < 1 || tile.N > window.Pixels {
				t.Fatalf("%+v: tile %+v after pixel %d", g, tile, next)
			}
			next += tile.N
			for kx := range g.KernelW {
				first, end := spans[i*g.KernelW+kx].Range()
				for p := range tile.N {
					column := p*g.StrideW + kx*g.DilationW
					x := tile.X*g.StrideW - g.PadLeft + column
					inside := x >= 0 && x < g.InW
					if got := p >= first && p < end; got != inside {
						t.Fatalf("%+v: tile %+v, kernel column %d: span [%d,%d), pixel %d", g, tile, kx, first, end, p)
					}
					if got := column >= tile.Lo && column < tile.Hi; got != inside {
						t.Fatalf("%+v: tile %+v: column %d", g, tile, column)
					}
				}
			}
		}
		if next != g.OutW {
			t.Fatalf("%+v: tiles end at %d", g, next)
		}
	})
}

// Every row belongs to one band, which reads each row of its input once.
func TestBands(t *testing.T) {
	geometries(func(g window.Geometry) {
		for i, pairs := range []bool{false, g.CanPair(), g.CanPair()} {
			next := min(i/2, g.OutH)
			for _, b := range g.Bands(next, pairs) {
				if b.Y != next || b.N < 1 || b.N > 2 || b.N == 2 && !pairs {
					t.Fatalf("%+v: band %+v after row %d", g, b, next)
				}
				next += b.N
				for r := range b.N {
					// Input rows are at Row, Row+Dilation and so on; the band's rows read these.
					first, end, top := g.Rows(b.Y + r)
					var want, got []int
					for ky := first; ky < end; ky++ {
						want = append(want, top+ky*g.DilationH)
					}
					for i := range b.Upper + b.Both + b.Lower {
						if r == 0 && i < b.Upper+b.Both || r == 1 && i >= b.Upper {
							got = append(got, b.Row+i*g.DilationH)
						}
					}
					if !slices.Equal(got, want) {
						t.Fatalf("%+v: band %+v: row %d reads %v, want %v", g, b, r, got, want)
					}
					if kernelRow := b.First + r*(b.Upper-g.StrideH); len(want) > 0 && kernelRow != first {
						t.Fatalf("%+v: band %+v: row %d begins with kernel row %d, want %d", g, b, r, kernelRow, first)
					}
				}
			}
			if next != g.OutH {
				t.Fatalf("%+v: bands end at %d", g, next)
			}
		}
	})
}
