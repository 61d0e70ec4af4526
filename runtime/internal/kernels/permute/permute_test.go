package permute

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/cpu/cputest"
	"github.com/cnnc-dev/cnnc/runtime/internal/guard"
)

// filled is memory at a page that traps, each float another.
func filled(t testing.TB, place func(testing.TB, int) []float32, n int) []float32 {
	x := place(t, n)
	for i := range x {
		x[i] = float32(i + 1)
	}
	return x
}

const canary = -1

// blank is memory at a page that traps, full of canaries.
func blank(t testing.TB, place func(testing.TB, int) []float32, n int) []float32 {
	x := place(t, n)
	for i := range x {
		x[i] = canary
	}
	return x
}

// shuffled is a channel shuffle.
func shuffled(channels, groups int) []int {
	index := make([]int, channels)
	for i := range index {
		index[i] = i%groups*(channels/groups) + i/groups
	}
	return index
}

// TestRun puts floats in order between pages that trap, with canaries in the gaps.
func TestRun(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for extent := 1; extent <= 70; extent++ {
		orders := [][]int{rng.Perm(extent), rng.Perm(extent)[:1+rng.IntN(extent)], shuffled(extent/2*2, 2), shuffled(extent/3*3, 3), {}}
		runs := make([]int, extent) // of neighbours, some twice
		for i := range runs {
			runs[i] = (i + i/7*3) % extent
		}
		for _, index := range append(orders, runs) {
			cputest.Each(t, func(t *testing.T) {
				p := New(cpu.Level(), index, extent)
				for _, turns := range []int{0, 1, 3} {
					for _, gap := range []int{0, 5} {
						for _, place := range []func(testing.TB, int) []float32{guard.Before, guard.After} {
							dstStep, srcStep := len(index)+gap, extent+gap
							src := filled(t, place, max(0, (turns-1)*srcStep+extent))
							dst := blank(t, place, max(0, (turns-1)*dstStep+len(index)))
							p.Run(dst, dstStep, src, srcStep, turns)
							for i, got := range dst {
								want := float32(canary)
								if turn, j := i/dstStep, i%dstStep; j < len(index) {
									want = src[turn*srcStep+index[j]]
								}
								if got != want {
									t.Fatalf("%v of %d, %d turns, gap %d: float %d is %v, want %v", index, extent, turns, gap, i, got, want)
								}
							}
						}
					}
				}
			})
		}
	}
}

// TestInterleave3 makes pixels between pages that trap.
func TestInterleave3(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		for n := range 70 {
			for _, gap := range []int{0, 7} {
				for _, place := range []func(testing.TB, int) []float32{guard.Before, guard.After} {
					stride := n + gap
					planes := filled(t, place, 2*stride+n)
					dst := place(t, 3*n)
					Interleave3(cpu.Level(), dst, planes, stride, n)
					for i, got := range dst {
						if want := planes[i%3*stride+i/3]; got != want {
							t.Fatalf("%d pixels, %d apart: float %d is %v, want %v", n, stride, i, got, want)
						}
					}
				}
			}
		}
	})
}

// What takes more steps than it saves is left to plain Go.
func TestScattered(t *testing.T) {
	if p := New(cpu.Best, rand.New(rand.NewPCG(1, 1)).Perm(1000), 1000); len(p.steps) > 0 {
		t.Errorf("%d steps for a random order of 1000", len(p.steps))
	}
	if p := New(cpu.Best, shuffled(1000, 2), 1000); cpu.Best > cpu.Generic && len(p.steps) == 0 {
		t.Error("no steps for a shuffle of 2 groups")
	}
}

// What is shorter than it should be is refused, even if there is room behind it.
func TestShort(t *testing.T) {
	const n = 48
	p := New(cpu.Best, shuffled(n, 2), n)
	long, short, pixels := make([]float32, n), make([]float32, n-1, n), make([]float32, n)
	for name, f := range map[string]func(){
		"dst":    func() { p.Run(short, n, long, n, 1) },
		"src":    func() { p.Run(long, n, short, n, 1) },
		"pixels": func() { Interleave3(cpu.Best, short, pixels, n/3, n/3) },
		"planes": func() { Interleave3(cpu.Best, pixels, short, n/3, n/3) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("short %s went unnoticed", name)
				}
			}()
			f()
		}()
	}
}

func BenchmarkRun(b *testing.B) {
	const pixels = 28 * 28
	for isa := cpu.Generic; isa <= cpu.Best; isa++ {
		for _, groups := range []int{2, 3, 8} {
			b.Run(fmt.Sprintf("%s/%d groups", isa, groups), func(b *testing.B) {
				p := New(isa, shuffled(120, groups), 120)
				dst, src := make([]float32, 128*pixels), make([]float32, 128*pixels)
				for b.Loop() {
					p.Run(dst, 128, src, 128, pixels)
				}
			})
		}
		b.Run(fmt.Sprintf("%s/interleave", isa), func(b *testing.B) {
			dst, src := make([]float32, 3*224*224), make([]float32, 3*224*224)
			for b.Loop() {
				Interleave3(isa, dst, src, 224*224, 224*224)
			}
		})
	}
}
